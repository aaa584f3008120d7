"""Two people become one by the owner's word, and an account is taken off its person again."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekku.chain.choices import pairs
from rekku.chain.road import Road
from rekku.core.errors import ConfigError, RekkuError
from rekku.core.house import Joining
from rekku.core.members import in_thread
from rekku.core.people import Person
from rekku.core.principal import TRAINER_PERSON, Role
from rekku.house.env_file import rewrite
from rekku.house.values import check, values
from rekku.house_commands.linking import BEGUN, begin, finish, pending
from rekku.house_settings import TRAINER_IDS
from rekku.store.links import parted
from rekku.store.state import audit_outcome, audited

if TYPE_CHECKING:
    from rekku.app import Rekku

log = logging.getLogger(__name__)

COUNT_LIMIT = 60.0
NOBODY = "I know nobody with that number (any more)."
BUSY = "I am still busy with a message of theirs. Try again when it is answered."
BEGUN_ALREADY = "One of the two is just being joined with somebody else. It is finished at the next start of Rekku."
UNFINISHED = (
    "Joining them has begun, but not all of it worked; the log says what. If both still stand here, join them "
    "again; else start Rekku again."
)
IN_ENVIRONMENT = "TRAINER_IDS is set in the environment of the process, so it can only be changed there."
OUTSIDE = "The trainer's accounts stand in TRAINER_IDS; take it out there, and start Rekku again."


async def join(rekku: "Rekku", gone: str, kept: str, *, sure: bool, trusts: Sequence[str]) -> Joining:
    """Give all of `gone` to `kept`, or only say what would move. The trainer is always who stays."""
    road = rekku.road
    if gone == TRAINER_PERSON:
        gone, kept = kept, gone
    plan = await _plan(rekku, gone, kept)
    if not sure:
        return plan
    if set(trusts) != set(plan.full_rights):
        named = ", ".join(plan.full_rights) or "no account"
        raise RekkuError(f"This would give {named} all rights of the trainer. Confirm exactly that.")
    if any(road.inbox.is_busy_with(person) for person in (gone, kept)):
        raise RekkuError(BUSY)
    await begin(road, gone, kept, plan.full_rights)
    owner = await road.people.person(TRAINER_PERSON, "")
    detail = {"gone": gone, "kept": kept, "accounts": plan.accounts, "full_rights": plan.full_rights}
    number = road.ids()
    await road.database.write(audited(number, road.clock.now(), None, owner, "join", detail, "done"))
    try:
        await trust(rekku, plan.full_rights)
    except ConfigError:
        await road.state.set(f"{BEGUN}{gone}", "")
        await road.database.write(audit_outcome(number, "refused"))
        raise
    try:
        if plan.full_rights:
            await begin(road, gone, kept)  # rights are given once, whatever happens to the rest
        await finish(road, gone, kept)
    except Exception:  # the door to components: it is tried again at the next start
        log.exception("Two people could not be joined.")
        raise RekkuError(UNFINISHED) from None
    return plan


async def part(rekku: "Rekku", interface: str, user_id: str) -> None:
    """Make an account a person of its own again. What is remembered stays; who is blocked stays blocked."""
    road = rekku.road
    accounts = await road.people.accounts()
    account = next((a for a in accounts if (a.interface, a.user_id) == (interface, user_id)), None)
    if account is None or road.people.is_trainer(account):
        raise RekkuError(OUTSIDE if (interface, user_id) in road.people.trainers else "I do not know that account.")
    if sum(other.person_id == account.person_id for other in accounts) < 2:
        raise RekkuError("This account is not joined with another.")
    if pending(road, account.person_id):
        raise RekkuError(BEGUN_ALREADY)
    if road.inbox.is_busy_with(account.person_id):
        raise RekkuError(BUSY)
    role = Role.BLOCKED if account.role == Role.BLOCKED.word else Role.UNKNOWN
    now = road.clock.now()
    owner = await road.people.person(TRAINER_PERSON, "")
    detail = {"account": f"{interface}:{user_id}"}
    audit = audited(road.ids(), now, None, owner, "part", detail, "done")
    await road.database.write(*parted(account, role, now), audit)
    road.people.look_again()


async def trust(rekku: "Rekku", accounts: Sequence[str]) -> None:
    """Make accounts the trainer's, after a restart too. May be repeated. Raises ConfigError, and then none is."""
    wanted = set(pairs(tuple(accounts)))
    if not wanted - rekku.road.people.trainers:
        return
    before = rekku.given().get(TRAINER_IDS.name, "")
    await rekku.house.set_values(_trusting(rekku, accounts))
    if not wanted <= set(pairs(_trusted(rekku))):
        await in_thread(rewrite, rekku.home / ".env", {TRAINER_IDS.name: before})  # or they had them one day
        raise ConfigError(IN_ENVIRONMENT)
    rekku.road.people.trainers.update(wanted)
    rekku.road.people.look_again()


def _trusted(rekku: "Rekku") -> tuple[str, ...]:
    texts: tuple[str, ...] = TRAINER_IDS.parse(rekku.given().get(TRAINER_IDS.name, ""))
    return texts


def _trusting(rekku: "Rekku", accounts: Sequence[str]) -> dict[str, str]:
    """TRAINER_IDS with these accounts, which must be read back as exactly these."""
    wanted = tuple(dict.fromkeys((*_trusted(rekku), *accounts)))
    text = ",".join(wanted)
    if TRAINER_IDS.parse(text) != wanted or any(ord(c) < 32 for c in text):
        raise ConfigError("An account has a comma, a line break or a space in its id, so TRAINER_IDS cannot name it.")
    return {TRAINER_IDS.name: text}


async def _plan(rekku: "Rekku", gone: str, kept: str) -> Joining:
    road = rekku.road
    known = {person.person_id: person for person in await road.people.known()}
    if gone not in known or kept not in known or gone == kept:
        raise RekkuError(NOBODY if gone != kept else "That is one person already.")
    if any(told != (gone, kept) for person in (gone, kept) for told in pending(road, person)):
        raise RekkuError(BEGUN_ALREADY)
    both = (known[kept], known[gone])
    accounts = tuple(sorted((a for one in both for a in one.accounts), key=lambda a: (a.interface, a.user.id)))
    blocked = any(one.role is Role.BLOCKED for one in both)
    role = Role.BLOCKED if blocked else max(one.role for one in both)
    rights = tuple(map(str, known[gone].accounts)) if kept == TRAINER_PERSON else ()
    if rights:
        if blocked:
            raise RekkuError(f"{known[gone].name} is blocked. Take the block off first, if that is really you.")
        check(_trusting(rekku, rights), values(rekku))
    name = Person(kept, role, accounts).name
    counts = await _counts(road, gone)
    return Joining(gone, kept, name, role, tuple(map(str, accounts)), counts, rights)


async def _counts(road: Road, person: str) -> dict[str, int]:
    """What is kept of a person and moves: how many of what."""
    counts = await road.people.forget(person, dry_run=True)
    counts.pop("people", None)
    for component in road.registry:
        if component.members.has("merge_person") and component.members.has("forget_person"):
            try:
                counts.update(await component.members.call("forget_person", person, True, limit=COUNT_LIMIT))
            except Exception:  # the door to a component's own memory: what it keeps moves all the same
                log.exception("%s could not count what it keeps of a person.", component.name)
    return {what: many for what, many in counts.items() if many}
