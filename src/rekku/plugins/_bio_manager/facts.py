"""Single facts about a person, with who may hear them; how they are merged, kept and told."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from rekku.core.audience import Audience, Privacy
from rekku.core.message import Conversation

LISTS = ("known_as", "likes", "not_likes", "information", "past_events")
DICTS = ("feelings", "contacts", "social_accounts")
FIELDS = (*LISTS, *DICTS)

MOST = 100
"""Facts in one field of one bio."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact; `key` is "" in lists. `places` are the group chats where it was told, `present` who told it.

    `heard` are those who read along then; it counts unless the fact is private.
    """

    text: str
    key: str = ""
    privacy: Privacy = Privacy.PRIVATE
    places: tuple[Conversation, ...] = ()
    present: tuple[str, ...] = ()
    day: str = ""
    heard: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """By what it is the same fact as another one."""
        return (self.key or self.text).casefold()

    @property
    def value(self) -> str:
        """By what it says the same as another one."""
        return self.text.casefold()

    def may_be_told(self, audience: Audience) -> bool:
        """Whether these people may hear it."""
        present = self.present if self.privacy is Privacy.PRIVATE else (*self.present, *self.heard)
        return audience.may_hear(self.privacy, self.places, present)


Facts = Mapping[str, Sequence[Fact]]
"""Facts by the field that they belong to."""


def told(
    fields: Mapping[str, Iterable[tuple[str, str]]],
    audience: Audience,
    privacy: Privacy,
    day: str,
    heard: tuple[str, ...] = (),
) -> Facts:
    """New facts out of (key, text) pairs, as this person tells them here; `heard` are the persons who read along."""
    where = () if audience.direct else (audience.conversation,)
    present = (audience.person_id,)
    heard = () if privacy is Privacy.PRIVATE else heard
    return {
        field: [Fact(text, key, privacy, where, present, day, heard) for key, text in pairs]
        for field, pairs in fields.items()
    }


def merged(old: Sequence[Fact], new: Sequence[Fact], *, keep_privacy: bool) -> tuple[list[Fact], bool]:
    """All facts of a field, and whether one of them says something new.

    A known fact that is told again keeps its privacy if `keep_privacy`; a new value under an old key has been heard
    only where it was told.
    """
    facts = {fact.name: fact for fact in old}
    news = False
    for fact in new:
        known = facts.get(fact.name)
        if known is None:
            news = True
        elif known.value == fact.value:
            fact = replace(
                known,
                privacy=known.privacy if keep_privacy else fact.privacy,
                places=_union(known.places, fact.places),
                present=_union(known.present, fact.present),
                heard=_union(known.heard, fact.heard),
            )
        else:
            news = True
            fact = replace(fact, privacy=known.privacy if keep_privacy else fact.privacy)
        facts[fact.name] = fact
    return list(facts.values()), news


def for_audience(facts: Facts, audience: Audience) -> dict[str, list[Fact]]:
    """What these people may hear; fields of which nothing is left are left out."""
    shown = {field: [fact for fact in facts[field] if fact.may_be_told(audience)] for field in facts}
    return {field: heard for field, heard in shown.items() if heard}


def plain(facts: Facts) -> dict[str, Any]:
    """Facts as the model reads them: lists of texts, and objects."""
    return {
        field: {fact.key: fact.text for fact in facts[field]} if field in DICTS else [f.text for f in facts[field]]
        for field in facts
    }


def light(facts: Facts, fields: Sequence[str], room: int) -> tuple[dict[str, Any], bool]:
    """The newest facts of some fields that fit into `room` characters, and whether something was left out."""
    chosen: dict[str, list[Fact]] = {}
    count = 0
    waiting = {field: list(facts[field]) for field in fields if field in facts}
    while waiting and room > 0:
        for field in list(waiting):
            fact = waiting[field].pop()
            size = len(fact.key) + len(fact.text) + 6
            if size <= room:
                room -= size
                count += 1
                chosen.setdefault(field, []).insert(0, fact)
            if not waiting[field]:
                del waiting[field]
    return plain(chosen), count < sum(map(len, facts.values()))


def dump(facts: Iterable[Fact]) -> str:
    """Facts as JSON, for a column."""
    return json.dumps(
        [
            {
                "text": f.text,
                "key": f.key,
                "privacy": f.privacy,
                "places": [[p.interface, p.chat_id, p.thread_id] for p in f.places],
                "present": f.present,
                "day": f.day,
                "heard": f.heard,
            }
            for f in facts
        ]
    )


@lru_cache(maxsize=256)
def load(text: str) -> tuple[Fact, ...]:
    """What `dump` wrote. The same people take part in many turns, so the last texts are remembered."""
    return tuple(
        Fact(
            f["text"],
            f["key"],
            Privacy(f["privacy"]),
            tuple(Conversation(*place) for place in f["places"]),
            tuple(f["present"]),
            f["day"],
            tuple(f.get("heard", ())),
        )
        for f in json.loads(text)
    )


def _union(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*one, *other)))
