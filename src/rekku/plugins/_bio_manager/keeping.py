"""One change of one bio, inside a transaction: merged, taken out, made more or less private."""

from dataclasses import replace
from datetime import datetime

from rekku.core.audience import Audience, Privacy
from rekku.core.database import Transaction
from rekku.core.errors import ActionError
from rekku.plugins._bio_manager.facts import FIELDS, MOST, Fact, merged, told
from rekku.plugins._bio_manager.limits import Limits
from rekku.plugins._bio_manager.payload import Change
from rekku.plugins._bio_manager.table import Bio, open_bio, save_bio
from rekku.plugins._bio_manager.whom import Whom


async def changed(
    transaction: Transaction,
    whom: Whom,
    change: Change,
    teller: Audience,
    limits: Limits,
    now: datetime,
    heard: tuple[str, ...] = (),
) -> None:
    """Make the change that `teller` asked for. Raises ActionError when it comes too early or there is no room.

    Only what says something new counts against the limits: taking out and keeping private are always possible.
    """
    bio = await open_bio(transaction, whom.person_id, now)
    _remove(bio, change, teller, whom)
    if change.privacy and not change.add:
        _set_privacy(bio, change.privacy, teller)
    if _add(bio, change, teller, now, heard):
        problem = limits.problem(whom.name, bio.recent, now)
        if problem:
            raise ActionError(problem)
        bio.recent = [*limits.recent(bio.recent, now), now]
        bio.last_update = now
        bio.update_count += 1
    await save_bio(transaction, bio)


def may_handle(fact: Fact, teller: Audience) -> bool:
    """Whether a person may take a fact out or change how private it is: what others told in private is not there."""
    return fact.privacy is not Privacy.PRIVATE or teller.person_id in fact.present


def _add(bio: Bio, change: Change, teller: Audience, now: datetime, heard: tuple[str, ...]) -> bool:
    privacy = change.privacy or (Privacy(bio.privacy) if bio.privacy else teller.usual)
    news = False
    for field, new in told(change.add, teller, privacy, f"{now:%Y-%m-%d}", heard).items():
        bio.facts[field], says_new = merged(bio.facts[field], new, keep_privacy=change.privacy is None)
        news = news or says_new
        if len(bio.facts[field]) > MOST:
            raise ActionError(f"payload.{field}: {MOST} facts are kept in a field; remove old ones (payload.remove)")
    return news


def _remove(bio: Bio, change: Change, teller: Audience, whom: Whom) -> None:
    missing = []
    for field, names in change.remove.items():
        gone = {fact.name for fact in bio.facts[field] if fact.name in names and may_handle(fact, teller)}
        missing += [f"{field}: {name}" for name in names if name not in gone]
        bio.facts[field] = [fact for fact in bio.facts[field] if fact.name not in gone]
    if missing:
        raise ActionError(f"the bio of {whom.name} has no {'; '.join(missing)}; bio_full_request tells what there is")


def _set_privacy(bio: Bio, privacy: Privacy, teller: Audience) -> None:
    bio.privacy = privacy
    for field in FIELDS:
        bio.facts[field] = [
            replace(fact, privacy=privacy) if may_handle(fact, teller) else fact for fact in bio.facts[field]
        ]
