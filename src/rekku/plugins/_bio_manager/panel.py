"""Bios as a control panel shows them to the owner, who may write in them: all facts, whoever told them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rekku.core.audience import Privacy
from rekku.core.database import Database, Transaction
from rekku.core.errors import ActionError
from rekku.core.host import Host
from rekku.core.principal import TRAINER_PERSON
from rekku.plugins._bio_manager.facts import DICTS, FIELDS, Fact
from rekku.plugins._bio_manager.payload import clean
from rekku.plugins._bio_manager.table import Bio, open_bio, read_bio, save_bio

LONGEST = 2000
"""Characters of a fact that the owner writes."""
LONGEST_KEY = 300
NOT_KNOWN = "that is not known (any more)"
HINTS = {"feelings": "joy", "contacts": "phone", "social_accounts": "the name of the platform"}


async def do(host: Host, deed: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """`show` (person), `add` (person, field, key, text, privacy), `change` (person, field, name, text, privacy),
    `remove` (person, field, name): what is known of the person then."""
    person, now = str(given.get("person") or ""), host.clock.now()
    if deed == "add":
        if all(known.person_id != person for known in await host.people()):
            raise ActionError("I know nobody with that number (any more)")
        await _add(host.database, now, person, given)
    elif deed == "change":
        await _change(host.database, now, person, given)
    elif deed == "remove":
        await _remove(host.database, now, person, _field(given), str(given.get("name") or ""))
    elif deed != "show":
        raise ActionError(f"there is no {deed!r} for bios")
    bio = await read_bio(host.database, person)
    return {
        "facts": _facts(bio) if bio else [],
        "privacy": bio.privacy if bio else "",
        "fields": [{"name": field, "keyed": field in DICTS, "key": HINTS.get(field, "")} for field in FIELDS],
        "longest": LONGEST,
    }


async def _add(database: Database, now: datetime, person: str, given: Mapping[str, Any]) -> None:
    field, text, privacy = _field(given), _text(given, "text", LONGEST), _privacy(given)
    key = _text(given, "key", LONGEST_KEY) if field in DICTS else ""
    fact = Fact(text, key, privacy, (), (TRAINER_PERSON,), f"{now:%Y-%m-%d}", _heard(privacy, (), person))

    async def work(transaction: Transaction) -> None:
        bio = await open_bio(transaction, person, now)
        _new_here(bio.facts[field], fact)
        await _keep(transaction, bio, field, [*bio.facts[field], fact], now)

    await database.run(work)


async def _change(database: Database, now: datetime, person: str, given: Mapping[str, Any]) -> None:
    """Whoever may hear a fact may hear it in its new words; another privacy changes who that is."""
    field, name = _field(given), str(given.get("name") or "")
    text, privacy = _text(given, "text", LONGEST), _privacy(given)
    await _must_know(database, person, field, name)

    async def work(transaction: Transaction) -> None:
        bio = await open_bio(transaction, person, now)
        old = next((fact for fact in bio.facts[field] if fact.name == name), None)
        if old is None:
            raise ActionError(NOT_KNOWN)
        fact = replace(old, text=text, privacy=privacy, heard=_heard(privacy, old.heard, person))
        _new_here([other for other in bio.facts[field] if other is not old], fact)
        await _keep(transaction, bio, field, [fact if one is old else one for one in bio.facts[field]], now)

    await database.run(work)


async def _remove(database: Database, now: datetime, person: str, field: str, name: str) -> None:
    await _must_know(database, person, field, name)

    async def work(transaction: Transaction) -> None:
        fresh = await open_bio(transaction, person, now)
        fresh.facts[field] = [fact for fact in fresh.facts[field] if fact.name != name]
        await save_bio(transaction, fresh)

    await database.run(work)


async def _must_know(database: Database, person: str, field: str, name: str) -> None:
    """Raises ActionError, so that no bio is made for what is not there."""
    bio = await read_bio(database, person)
    if bio is None or all(fact.name != name for fact in bio.facts[field]):
        raise ActionError(NOT_KNOWN)


async def _keep(transaction: Transaction, bio: Bio, field: str, facts: Sequence[Fact], now: datetime) -> None:
    """What the owner writes does not count against the limits of what the model writes."""
    bio.facts[field] = facts
    bio.last_update = now
    bio.update_count += 1
    await save_bio(transaction, bio)


def _heard(privacy: Privacy, heard: tuple[str, ...], person: str) -> tuple[str, ...]:
    """Who else may hear a fact as long as it is not private: what is for the chat is for the person, too."""
    return tuple(dict.fromkeys((*heard, person))) if privacy is Privacy.CHAT else heard


def _new_here(others: Sequence[Fact], fact: Fact) -> None:
    if any(other.name == fact.name for other in others):
        raise ActionError(f"{fact.key or fact.text!r} is known there already; change that one")


def _field(given: Mapping[str, Any]) -> str:
    field = given.get("field")
    if field not in FIELDS:
        raise ActionError(f"field must be one of {', '.join(FIELDS)}")
    return str(field)


def _text(given: Mapping[str, Any], name: str, longest: int) -> str:
    try:
        text = clean(given.get(name) or "")
    except TypeError:
        raise ActionError(f"{name} must be a text") from None
    if not text:
        raise ActionError(f"{name} must not be empty")
    if len(text) > longest:
        raise ActionError(f"{name} may have {longest} characters, and this has {len(text)}")
    return text


def _privacy(given: Mapping[str, Any]) -> Privacy:
    privacy = str(given.get("privacy") or "")
    if privacy not in [*Privacy]:
        raise ActionError(f"privacy must be one of {', '.join(Privacy)}")
    return Privacy(privacy)


def _facts(bio: Bio) -> list[Mapping[str, Any]]:
    return [
        {"field": field, "name": f.name, "key": f.key, "text": f.text, "privacy": f.privacy.value, "day": f.day}
        for field in FIELDS
        for f in bio.facts[field]
    ]
