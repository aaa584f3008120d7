"""Commands by which a person says that two accounts are theirs: /link, /unlink."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rekku.chain.road import Road
from rekku.core.commands import Command, CommandCall
from rekku.core.errors import ActionError
from rekku.core.message import Conversation
from rekku.core.principal import Principal, Role
from rekku.store.links import is_linked, join, parted
from rekku.store.people import Account
from rekku.store.state import audited

log = logging.getLogger(__name__)

LIMIT = 600.0
"""Seconds that a code is good for."""
MOST_WRONG = 5
"""Wrong codes of one person in that time, until no more is looked at."""
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
BEGUN = "linking:"
MERGE_LIMIT = 60.0

CODE = (
    "Write this to me on the other platform within ten minutes, in a direct chat:\n\n/link {code}\n\n"
    "Then what I know of you there and here belongs together. Do not give the code to anybody else."
)
SURE = (
    "That makes you and {name} on {interface} one person to me: what you told me here can be heard there, and the "
    "other way round. Only do it if that account is yours. Write /link {code} yes to go on."
)
LINKED = "Done: you and {name} on {interface} are one person to me now. /unlink undoes it, as far as the account goes."
LINKED_THERE = "You are one person now with {name} on {interface}, with the code that you asked for. /unlink undoes it."
TOGETHER = "these accounts belong together already; write the code on the other platform"
NOT_GOOD = "that code is not good (any more); /link on the other platform gives a new one"
BUSY = "I am still busy with a message of yours; wait for the answer, then write it again"
PENDING = "one of the two is just being joined with somebody else; that is finished at the next start of Rekku"
TRAINERS = "The trainer's accounts are named in TRAINER_IDS; a code cannot add one."


@dataclass(frozen=True, slots=True)
class Offer:
    """A code that was given out: to whom, where, and until when."""

    who: Principal
    where: Conversation
    until: float


class Linking:
    """The codes that are good at the moment. They live in this process: after a restart a new one is asked for."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._offers: dict[str, Offer] = {}
        self._wrong: dict[str, list[float]] = {}

    def commands(self) -> list[Command]:
        """The commands of this file."""
        return [
            Command("link", "Tell me that another account is yours, too.", self._link, Role.UNKNOWN, "[CODE]"),
            Command("unlink", "Take this account out of the accounts that are yours.", self._unlink, Role.UNKNOWN),
        ]

    async def _link(self, call: CommandCall) -> str:
        if call.principal.is_trainer:
            raise ActionError(TRAINERS)
        if not call.message.direct:
            raise ActionError("a code is for your eyes only, so write to me in a direct chat")
        code, _, sure = call.text.strip().lower().partition(" ")
        if not code:
            return self._offer(call)
        offer = self._taken(call.principal, code)
        told = {"name": offer.who.name or offer.who.user_id, "interface": offer.who.interface}
        if sure.strip() != "yes":
            return SURE.format(**told, code=code)
        await self._redeem(code, offer, call.principal)
        there = LINKED_THERE.format(name=call.principal.name, interface=call.principal.interface)
        await self._road.voice.answer(offer.where, there)
        return LINKED.format(**told)

    async def _redeem(self, code: str, offer: Offer, who: Principal) -> None:
        """Make the two accounts one person's, if nothing speaks against it by now. Raises ActionError."""
        people = self._road.people
        async with people.moving:
            gone, kept = await people.by_now(who), await people.by_now(offer.who)
            if kept.is_trainer or gone.is_trainer or kept.person_id == gone.person_id:
                raise ActionError(TOGETHER if kept.person_id == gone.person_id else TRAINERS)
            both = (gone.person_id, kept.person_id)
            if any(told != both for person in both for told in pending(self._road, person)):
                raise ActionError(PENDING)
            if any(self._road.inbox.is_busy_with(person) for person in both):
                raise ActionError(BUSY)
            if self._offers.pop(code, None) is not offer:
                raise ActionError(NOT_GOOD)
            await self._join(gone, kept)

    def _offer(self, call: CommandCall) -> str:
        now = self._road.clock.monotonic()
        mine = call.principal.person_id
        self._offers = {c: o for c, o in self._offers.items() if o.until > now and o.who.person_id != mine}
        code = "".join(secrets.choice(ALPHABET) for _ in range(10))
        self._offers[code] = Offer(call.principal, call.message.conversation, now + LIMIT)
        return CODE.format(code=code)

    def _taken(self, who: Principal, code: str) -> Offer:
        """The offer behind a code. Raises ActionError, which does not tell a wrong code from an old one."""
        now = self._road.clock.monotonic()
        self._wrong = {person: [at for at in times if at > now - LIMIT] for person, times in self._wrong.items()}
        wrong = self._wrong.setdefault(who.person_id, [])
        if len(wrong) >= MOST_WRONG:
            raise ActionError("there were too many wrong codes; try again in ten minutes")
        offer = self._offers.get(code)
        if offer is None or offer.until <= now:
            wrong.append(now)
            raise ActionError(NOT_GOOD)
        if offer.who.person_id == who.person_id:
            raise ActionError(TOGETHER)
        return offer

    async def _join(self, gone: Principal, kept: Principal) -> None:
        """Make two persons one. That it was begun is kept first, so that a crash in the middle is taken up."""
        road = self._road
        await begin(road, gone.person_id, kept.person_id)
        detail = {"with": f"{kept.interface}:{kept.user_id}"}
        await road.database.write(audited(road.ids(), road.clock.now(), None, gone, "link", detail, "done"))
        await finish(road, gone.person_id, kept.person_id)

    async def _unlink(self, call: CommandCall) -> str:
        if call.principal.is_trainer:
            raise ActionError(TRAINERS)
        road = self._road
        async with road.people.moving:
            who = await road.people.by_now(call.principal)
            if who.is_trainer or not await is_linked(road.database, who.person_id):
                raise ActionError(TRAINERS if who.is_trainer else "this account is not linked with another")
            if pending(road, who.person_id):
                raise ActionError(PENDING)
            if road.inbox.is_busy_with(who.person_id):
                raise ActionError(BUSY)
            now = road.clock.now()
            account = Account(who.interface, who.user_id, who.person_id, who.name, "", "")
            audit = audited(road.ids(), now, None, who, "unlink", {}, "done")
            await road.database.write(*parted(account, Role.UNKNOWN, now), audit)
            road.people.look_again()
        return "Done: this account is a person of its own again. What I knew of you stays with your other accounts."


def pending(road: Road, person: str) -> list[tuple[str, str]]:
    """The joinings that have begun with this person and are not finished."""
    begun = [(old, text.partition(" ")[0]) for old, text in road.state.under(BEGUN)]
    return [pair for pair in begun if person in pair]


async def begin(road: Road, old: str, new: str, accounts: Sequence[str] = ()) -> None:
    """Keep that `old` is given to `new`, and which accounts are still to become the trainer's by it."""
    await road.state.set(f"{BEGUN}{old}", f"{new} {','.join(accounts)}".strip())


async def finish(road: Road, old: str, new: str) -> None:
    """Give all that belongs to `old` to `new`: what components keep first, then the accounts. May be repeated."""
    for component in road.registry:
        if component.members.has("merge_person"):
            await component.members.call("merge_person", old, new, limit=MERGE_LIMIT)
    await join(road.database, old, new)
    road.people.look_again()
    await road.state.set(f"{BEGUN}{old}", "")


async def finish_all(road: Road, trust: Callable[[Sequence[str]], Awaitable[None]]) -> None:
    """Take up what a crash interrupted. Rights are given once: the owner may have taken them back since."""
    for old, text in road.state.under(BEGUN):
        new, _, accounts = text.partition(" ")
        try:
            if accounts:
                await trust(accounts.split(","))
                await begin(road, old, new)
            await finish(road, old, new)
        except Exception:  # the door to components: it is tried again at the next start
            log.exception("Two accounts could not be made one person's.")
