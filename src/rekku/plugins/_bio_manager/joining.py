"""Two bios become one: nothing is lost, and nobody hears more than before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from sqlalchemy import bindparam, or_, select

from rekku.core.audience import Privacy
from rekku.core.database import Statement, Transaction
from rekku.plugins._bio_manager import table
from rekku.plugins._bio_manager.facts import FIELDS, Fact, merged
from rekku.plugins._bio_manager.table import BIO, Bio, open_bio, save_bio

STRICTEST_FIRST = (Privacy.PRIVATE, Privacy.CHAT, Privacy.PUBLIC)

HAS = Statement(select(BIO.c.person_id).where(BIO.c.person_id == bindparam("person")))
NAMING = Statement(select(BIO).where(or_(*(BIO.c[name].contains(bindparam("person")) for name in FIELDS))))
"""The bios with a fact that a person has heard."""


async def joined(transaction: Transaction, old: str, new: str, now: datetime) -> None:
    """What is known of the person `old`, and what `old` has heard about others, is the person `new`'s."""
    if await transaction.fetch(HAS, person=old):
        theirs, kept = await open_bio(transaction, old, now), await open_bio(transaction, new, now)
        for field in FIELDS:
            kept.facts[field] = together(kept.facts[field], theirs.facts[field])
        given = [Privacy(bio.privacy) for bio in (kept, theirs) if bio.privacy]
        kept.privacy = min(given, key=STRICTEST_FIRST.index, default="")
        kept.recent = sorted({*kept.recent, *theirs.recent})
        kept.last_update = max(filter(None, (kept.last_update, theirs.last_update)), default=None)
        kept.update_count += theirs.update_count
        await save_bio(transaction, kept)
        await transaction.write(table.DELETE(person=old))
    for row in await transaction.fetch(NAMING, person=old):
        await save_bio(transaction, _renamed(table.bio_of(row), old, new))


async def unheard(transaction: Transaction, person_id: str) -> None:
    """Forget that a person read along when others told something."""
    for row in await transaction.fetch(NAMING, person=person_id):
        bio = table.bio_of(row)
        for field in FIELDS:
            bio.facts[field] = [
                replace(fact, heard=tuple(who for who in fact.heard if who != person_id)) for fact in bio.facts[field]
            ]
        await save_bio(transaction, bio)


def together(kept: Sequence[Fact], theirs: Sequence[Fact]) -> list[Fact]:
    """All facts of a field. What says something else under a key that is taken gets a key of its own."""
    names = {fact.name: fact for fact in kept}
    facts = list(kept)
    for fact in theirs:
        known = names.get(fact.name)
        if known is not None and known.value != fact.value:
            key = next(key for n in count(2) if (key := f"{fact.key} ({n})").casefold() not in names)
            fact = replace(fact, key=key)
        elif known is not None and known.privacy is not fact.privacy:
            fact = replace(fact, privacy=min(known.privacy, fact.privacy, key=STRICTEST_FIRST.index))
            facts, _ = merged(facts, [fact], keep_privacy=False)
            continue
        facts, _ = merged(facts, [fact], keep_privacy=True)
        names[fact.name] = fact
    return facts


def _renamed(bio: Bio, old: str, new: str) -> Bio:
    def renamed(persons: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(new if who == old else who for who in persons))

    for field in FIELDS:
        bio.facts[field] = [
            replace(fact, present=renamed(fact.present), heard=renamed(fact.heard)) for fact in bio.facts[field]
        ]
    return bio
