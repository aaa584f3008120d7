"""Bios as a control panel shows them to the owner: all facts, whoever told them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rekku.core.database import Database, Transaction
from rekku.core.errors import ActionError
from rekku.plugins._bio_manager.facts import FIELDS
from rekku.plugins._bio_manager.table import Bio, open_bio, read_bio, save_bio


async def do(database: Database, now: datetime, deed: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """`show` (person), `remove` (person, field, name): what is known of the person then."""
    person = str(given.get("person") or "")
    if deed == "remove":
        await _remove(database, now, person, str(given.get("field") or ""), str(given.get("name") or ""))
    elif deed != "show":
        raise ActionError(f"there is no {deed!r} for bios")
    bio = await read_bio(database, person)
    return {"facts": _facts(bio) if bio else [], "privacy": bio.privacy if bio else ""}


async def _remove(database: Database, now: datetime, person: str, field: str, name: str) -> None:
    if field not in FIELDS:
        raise ActionError(f"field must be one of {', '.join(FIELDS)}")
    bio = await read_bio(database, person)
    if bio is None or all(fact.name != name for fact in bio.facts[field]):
        raise ActionError("that is not known (any more)")

    async def work(transaction: Transaction) -> None:
        fresh = await open_bio(transaction, person, now)
        fresh.facts[field] = [fact for fact in fresh.facts[field] if fact.name != name]
        await save_bio(transaction, fresh)

    await database.run(work)


def _facts(bio: Bio) -> list[Mapping[str, Any]]:
    return [
        {"field": field, "name": f.name, "key": f.key, "text": f.text, "privacy": f.privacy.value, "day": f.day}
        for field in FIELDS
        for f in bio.facts[field]
    ]
