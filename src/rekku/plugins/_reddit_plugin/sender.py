"""Sends what waits in the queue when its time has come, and says how it went."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rekku.core.errors import StoreError
from rekku.core.host import Host
from rekku.core.message import Errand, Message, User
from rekku.core.principal import Role
from rekku.platforms.reddit.fault import Fate, Fault, spoken
from rekku.plugins._reddit_plugin.queue import Queue, Wish

if TYPE_CHECKING:
    from rekku.plugins._reddit_plugin.account import Account, Made

log = logging.getLogger(__name__)

SWEEP = 60.0
"""Seconds between looks for what another process left behind, or what a database that was away held up."""

LOOK_AGAIN = timedelta(seconds=30)
"""Reddit needs a moment until a new post stands in the account's list."""

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=30)
GIVEN_UP = timedelta(hours=24)
TIDYING = timedelta(hours=24)

MOST_ROUNDS = 2
"""How often the model may put one wish right; after that only the person is told, or the two could go on for ever."""

ERRAND = "reddit"


def corrected(message: Message) -> int:
    """The number of the wish that a turn is to put right; 0 if it is another turn."""
    if message.errand is None or message.errand.kind != ERRAND:
        return 0
    return int(message.message_id.split(":")[1])


class Sender:
    """The way from the queue to Reddit; `account` gives the account, which is made at first use."""

    def __init__(self, host: Host, queue: Queue, account: Callable[[], Awaitable["Account"]]) -> None:
        self._host = host
        self._queue = queue
        self._account = account
        self._one_at_a_time = asyncio.Lock()
        self._looks: asyncio.Queue[timedelta] = asyncio.Queue()
        self._tidied: datetime | None = None
        self.complaint = ""

    async def tend(self) -> None:
        """Send what is due, for ever."""
        try:
            for due_at in await self._queue.open():
                self.look_in(due_at - self._host.clock.now())
        except StoreError as error:  # the sweeps find them, a little later
            log.warning("The queue for Reddit waits for the database: %s", error)
        while True:
            await self.sweep()
            await self._host.clock.sleep(SWEEP)

    async def listen(self) -> None:
        """Start the waits that are asked for. They must not run in the context of the turn that asks."""
        while True:
            wait = await self._looks.get()
            self._host.spawn(self._after(max(0.0, wait.total_seconds())), "reddit queue")

    def look_in(self, wait: timedelta) -> None:
        """Look after the queue when so much time has passed."""
        self._looks.put_nowait(wait)

    async def sweep(self) -> None:
        """Send what is due, find out about what is in doubt, and tell what was not told."""
        async with self._one_at_a_time:
            try:
                for number, status in await self._queue.due(self._host.clock.now()):
                    if await self._queue.claim(number, status, self._host.clock.now()):
                        await self._carry_out(number, in_doubt=status == "sending")
                for wish in await self._queue.untold():
                    await self._tell(wish)
                await self._tidy()
            except StoreError as error:
                log.warning("The queue for Reddit waits for the database: %s", error)

    async def _tidy(self) -> None:
        now = self._host.clock.now()
        if self._tidied is None or now - self._tidied >= TIDYING:
            self._tidied = now
            await self._queue.tidy(now)

    async def _after(self, seconds: float) -> None:
        await self._host.clock.sleep(seconds)
        await self.sweep()

    async def _carry_out(self, number: int, *, in_doubt: bool) -> None:
        wish = await self._queue.get(number, whole=True)
        if wish is None:
            return
        looking = in_doubt and wish.makes_something
        if not looking and await self._is_blocked(wish.person_id):
            await self._queue.settle(wish, "failed", _not_done(wish, "whoever asked for it is blocked"))
            return
        try:
            account = await self._account()
            made = await account.find(wish, self._queue.known) if looking else await account.do(wish)
        except Fault as fault:
            await self._mishap(wish, fault, looking=looking)
        except Exception as error:
            log.exception("%s could not be done.", wish.title)
            await self._queue.settle(
                wish, "failed", _not_done(wish, f"a fault of Rekku's own ({type(error).__name__})")
            )
        else:
            await self._settle(wish, made)

    async def _is_blocked(self, person_id: str) -> bool:
        """Whether the person was blocked while the wish waited."""
        people = await self._host.people()
        return any(person.person_id == person_id and person.role is Role.BLOCKED for person in people)

    async def _settle(self, wish: Wish, made: "Made | None") -> None:
        if made is None:
            await self._queue.settle(wish, "unknown", _unknown(wish, "it does not stand in the account's list"))
            return
        self.complaint = ""
        where = f"{made.link} ({made.thing})" if made.link else made.thing
        note = {
            "reddit_post": f"It is on Reddit: {where}",
            "reddit_comment": f"The comment is on Reddit: {where}",
            "reddit_edit": f"It is changed on Reddit: {where}",
        }.get(wish.action, f"It is deleted from Reddit: {where}")
        await self._queue.settle(wish, "done", note, made.thing, made.link)

    async def _mishap(self, wish: Wish, what: Fault, *, looking: bool) -> None:
        now = self._host.clock.now()
        if what.of_the_owner and what.words != self.complaint:
            self.complaint = what.words
            await self._host.tell_trainer(f"{wish.title} did not go out: {what.words}.")
        if what.fate is Fate.REFUSED or now - wish.created_at > GIVEN_UP:
            if looking:
                await self._queue.settle(wish, "unknown", _unknown(wish, f"looking for it failed ({what.words})"))
            else:
                await self._queue.settle(wish, "failed", _not_done(wish, what.words))
            return
        if what.fate is Fate.UNSURE:
            status, wait = ("sending" if wish.makes_something else "waiting"), LOOK_AGAIN
        else:
            status = "sending" if looking else "waiting"
            backoff = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(wish.attempts, 10))
            wait = timedelta(seconds=what.wait) if what.wait else backoff
        await self._queue.again(wish, status, now + wait)
        self.look_in(wait)
        if what.wait or (what.fate is Fate.NOT_DONE and wish.attempts == 0):
            await self._say_that_it_waits(wish, what, wait)

    async def _say_that_it_waits(self, wish: Wish, what: Fault, wait: timedelta) -> None:
        words = (
            f"{_capital(wish.title)} has not gone out yet: {what.words}. It stays in the queue as number {wish.id} and "
            f"is tried again by itself in {spoken(wait.total_seconds())}; /undo {wish.id} takes it back."
        )
        await self._errand(wish, words, f"wait{wish.attempts}", "Tell the person; do not ask for it a second time.")

    async def _tell(self, wish: Wish) -> None:
        """Say how it ended: success in plain words, the rest by way of the model, which may put it right."""
        if wish.status == "done" or wish.round >= MOST_ROUNDS:
            await self._host.send(wish.note, wish.chat)
        else:
            await self._errand(wish, wish.note, wish.status, "Put it right if you can, or tell the person.")
        await self._queue.told(wish)

    async def _errand(self, wish: Wish, words: str, key: str, advice: str) -> None:
        message = Message(
            conversation=wish.chat,
            user=User(""),
            text=f"{words} What was asked for: {wish.action} {_asked(wish)}. {advice}",
            at=self._host.clock.now(),
            message_id=f"{ERRAND}:{wish.id}:{key}",
            direct=wish.direct,
            errand=Errand(ERRAND, wish.person_id, words),
        )
        await self._host.receive(message)


def _not_done(wish: Wish, why: str) -> str:
    return f"{_capital(wish.title)} did not go out: {why}."


def _unknown(wish: Wish, why: str) -> str:
    return f"It is not known whether {wish.title} went out: the connection broke, and {why}. It is not repeated."


def _asked(wish: Wish) -> str:
    fields = {name: value for name, value in wish.payload.items() if name != "flair_id"}
    return ", ".join(f"{name}={value!r}" for name, value in fields.items())[:2000]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
