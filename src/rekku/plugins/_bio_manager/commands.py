"""`/bio` for everybody, `/people` for the owner."""

from rekku.core.audience import Audience, Privacy
from rekku.core.commands import CommandCall
from rekku.core.host import Host
from rekku.core.people import Person
from rekku.plugins._bio_manager.facts import FIELDS, Fact, Facts, for_audience
from rekku.plugins._bio_manager.keeping import changed, may_handle
from rekku.plugins._bio_manager.limits import Limits
from rekku.plugins._bio_manager.payload import Change
from rekku.plugins._bio_manager.table import Bio, all_bios, read_bio
from rekku.plugins._bio_manager.whom import Whom, candidates, shown

MOST = 50
UNLIMITED = Limits(0, 0, 0)
NOTHING = "I know nothing about you that I may tell here."
NOT_HERE = "Others read along here. Ask me in a direct chat."
MORE = "\nThere is more that I tell only in our direct chat."


class BioCommands:
    """What people type."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def bio(self, call: CommandCall) -> str:
        """What is known about who asks, and how they change it."""
        word, _, rest = call.text.partition(" ")
        if word in _MEANING and not rest:
            await self._change(call, Change({}, {}, Privacy(word)))
            return f"What I know about you is {word} now: {_MEANING[Privacy(word)]}."
        if word == "remove" and rest.strip():
            return await self._remove(call, rest.strip())
        if word:
            return "Write /bio, /bio private, /bio chat, /bio public or /bio remove FACT."
        bio = await read_bio(self._host.database, call.principal.person_id)
        audience = _audience(call)
        heard = for_audience(bio.facts, audience) if bio else {}
        more = bio is not None and not audience.direct and _has_more(bio, audience)
        return (_page(heard) or NOTHING) + (MORE if more else "")

    async def people(self, call: CommandCall) -> str:
        """Everybody with the number of facts, or all about one person."""
        if call.text:
            return await self._person(call)
        if not call.message.direct:
            return NOT_HERE
        bios = await all_bios(self._host.database)
        persons = await self._host.people()
        lines = [_line(person, bios.get(person.person_id)) for person in persons[:MOST]]
        more = [f"and {len(persons) - MOST} more; write /people PERSON"] if len(persons) > MOST else []
        return "\n".join([*lines, *more]) or "I know nobody yet."

    async def _person(self, call: CommandCall) -> str:
        found = await candidates(self._host, call.text)
        if len(found) > 1 and not call.message.direct:
            return f"Several people are called so. {NOT_HERE}"
        if len(found) != 1:
            names = "\n".join(map(shown, found))
            return f"Several people are called so:\n{names}" if found else f"I know nobody called {call.text!r}."
        bio = await read_bio(self._host.database, found[0].person_id)
        if not call.message.direct:
            heard = for_audience(bio.facts, _audience(call)) if bio else {}
            return "\n".join(filter(None, (found[0].name, _page(heard), NOT_HERE)))
        head = _line(found[0], bio)
        if bio is None or not bio.count:
            return head
        return f"{head}\n{_page(bio.facts, with_privacy=True)}"

    async def _remove(self, call: CommandCall, text: str) -> str:
        bio = await read_bio(self._host.database, call.principal.person_id)
        facts = bio.facts if bio else {}
        teller = _audience(call)
        gone = {
            field: [fact.name for fact in facts[field] if _is(fact, text) and may_handle(fact, teller)]
            for field in facts
        }
        gone = {field: names for field, names in gone.items() if names}
        if not gone:
            return f"I know no such thing about you: {text}"
        await self._change(call, Change({}, gone, None))
        return f"I no longer know it: {text}"

    async def _change(self, call: CommandCall, change: Change) -> None:
        whom = Whom(call.principal.person_id, call.principal.name)
        now = self._host.clock.now()
        await self._host.database.run(lambda t: changed(t, whom, change, _audience(call), UNLIMITED, now))


_MEANING = {
    Privacy.PRIVATE: "I tell it only to you, in our direct chat",
    Privacy.CHAT: "I tell it to you, and in the chats where it was told",
    Privacy.PUBLIC: "I may tell it to anybody",
}


def _audience(call: CommandCall) -> Audience:
    return Audience(call.message.conversation, call.message.direct, call.principal.person_id)


def _is(fact: Fact, text: str) -> bool:
    return text.casefold() in (fact.name, fact.value, f"{fact.name}: {fact.value}")


def _has_more(bio: Bio, here: Audience) -> bool:
    alone = Audience(here.conversation, direct=True, person_id=here.person_id)
    return for_audience(bio.facts, alone) != for_audience(bio.facts, here)


def _line(person: Person, bio: Bio | None) -> str:
    when = f", last update {bio.last_update:%Y-%m-%d}" if bio and bio.last_update else ""
    used = f", last used {bio.last_accessed:%Y-%m-%d}" if bio and bio.last_accessed else ""
    return f"{shown(person)}: {person.role.word}, {bio.count if bio else 0} facts{when}{used}"


def _page(facts: Facts, *, with_privacy: bool = False) -> str:
    lines = []
    for field in FIELDS:
        for fact in facts.get(field, ()):
            key = f"{fact.key}: " if fact.key else ""
            level = f" [{fact.privacy}]" if with_privacy else ""
            lines.append(f"{field.replace('_', ' ')}: {key}{fact.text}{level}")
    return "\n".join(lines)
