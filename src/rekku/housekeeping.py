"""What is removed: once a day the rows of turns that ended long ago; on request everything about a person."""

import logging
from datetime import datetime, timedelta

from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.errors import StoreError
from rekku.core.registry import Registry
from rekku.core.settings import Settings
from rekku.store import inbox, journal, outbox
from rekku.store.ids import first_of
from rekku.store.people import People

log = logging.getLogger(__name__)

SOON = 600.0
DAY = 86_400.0
FORGET_LIMIT = 60.0


async def keep_house(database: Database, clock: Clock, settings: Settings) -> None:
    """Remove what is older than JOURNAL_DAYS, ten minutes after the start and then daily, for ever."""
    await clock.sleep(SOON)
    while True:
        try:
            await remove_before(database, clock.now() - timedelta(days=settings["JOURNAL_DAYS"]))
        except StoreError as error:
            log.warning("Old turns could not be removed today: %s", error)
        await clock.sleep(DAY)


async def remove_before(database: Database, instant: datetime) -> None:
    """Remove finished messages, replies and deliveries that are older than an instant."""
    first = first_of(instant)
    await database.write(
        inbox.OLD_ATTACHMENTS(before=first),
        journal.OLD(before=first),
        inbox.OLD(before=first),
        outbox.OLD(before=first),
    )


async def forget(registry: Registry, people: People, person_id: str, dry_run: bool) -> tuple[dict[str, int], list[str]]:
    """Erase a person everywhere, or only count; what and how many, and the components that could not do it."""
    counts: dict[str, int] = {}
    failed = []
    for component in registry:
        if component.members.has("forget_person"):
            try:
                counts.update(await component.members.call("forget_person", person_id, dry_run, limit=FORGET_LIMIT))
            except Exception:  # the door to a component's own memory
                log.exception("%s could not forget a person.", component.name)
                failed.append(component.name)
    counts.update(await people.forget(person_id, dry_run))
    return counts, failed
