"""The door: the owner's password, links that are good once, and a limit to wrong tries."""

import asyncio
import hmac
import math
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from sqlalchemy import bindparam, select, update

from rekku.core.clock import Clock
from rekku.core.database import Database, Statement, insert_or_ignore
from rekku.core.errors import RekkuError
from rekku.core.members import in_thread
from rekku.interface.webui import passwords
from rekku.interface.webui.sessions import hashed
from rekku.interface.webui.tables import KEYS

PASSWORD = "password"
WINDOW = timedelta(minutes=15)
LINK_LIMIT = timedelta(minutes=15)
PER_ADDRESS, IN_ALL = 5, 40
"""Wrong tries in WINDOW from one address, and from all together."""
AT_ONCE = 2
"""Passwords that are looked at at the same time: each takes 32 MB."""

GET = Statement(select(KEYS.c.value).where(KEYS.c.name == bindparam("key")))
ADD = Statement(insert_or_ignore(KEYS))
CHANGE = Statement(update(KEYS).where(KEYS.c.name == bindparam("key")).values(value=bindparam("content")))


class Refused(RekkuError):
    """The door stays shut; `wait` seconds until another try makes sense (0: at once)."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Door:
    """Decides who is the owner. `fixed` is a password that stands in the settings; `tell` tells the owner; `names` are
    words that others know to belong here, which make no good password."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        fixed: str,
        tell: Callable[[str], Awaitable[None]],
        names: Callable[[], Sequence[str]],
    ) -> None:
        self._db = database
        self._clock = clock
        self._fixed = fixed
        self._tell = tell
        self._names = names
        self._links: dict[str, float] = {}
        self._wrong: list[tuple[float, str]] = []
        self._looking = asyncio.Semaphore(AT_ONCE)

    async def has_password(self) -> bool:
        """Whether there is one."""
        return bool(self._fixed or await self._kept())

    async def fault(self) -> str:
        """What is wrong with the password that stands in the settings, "" if nothing is, or none stands there."""
        return await self._weakness(self._fixed) if self._fixed else ""

    def new_link(self, limit: float | None = LINK_LIMIT.total_seconds()) -> str:
        """A secret that is good once, for so many seconds (None: as long as Rekku runs), to set the password with."""
        secret = secrets.token_urlsafe(32)
        self._links[hashed(secret)] = float("inf") if limit is None else self._clock.monotonic() + limit
        return secret

    async def set_password(self, link: str, password: str) -> None:
        """Set the password with a link's secret. Raises Refused; the link stays good if only the password is not."""
        key = hashed(link)
        if self._links.get(key, 0.0) <= self._clock.monotonic():
            raise Refused("This link is not good any more. Write /web in the terminal to get another one.")
        if self._fixed:
            raise Refused("The password stands in the settings (WEBUI_PASSWORD); change it there.")
        await self._set(password)
        self._links.clear()

    async def change_password(self, address: str, old: str, new: str) -> None:
        """Set another password; the old one must be told. Raises Refused."""
        if self._fixed:
            raise Refused("The password stands in the settings (WEBUI_PASSWORD); change it there.")
        await self.check(address, old)
        await self._set(new)

    async def check(self, address: str, password: str) -> None:
        """Raises Refused if it is not the password, or if there were too many wrong ones before."""
        kept = await self._kept()
        if not kept and not self._fixed:
            raise Refused("There is no password yet. Open the link that was printed when Rekku started, or write /web.")
        self._check_tries(address)
        self._wrong.append((self._clock.monotonic(), address))  # counted before it is looked at: many may come at once
        if self._fixed:
            right = hmac.compare_digest(hashed(password), hashed(self._fixed))
        else:
            async with self._looking:
                right = await in_thread(passwords.fits, password[: passwords.LONGEST + 1], kept)
        if not right:
            await self._warn(address)
            raise Refused("That is not the password.")
        self._wrong = [(at, who) for at, who in self._wrong if who != address]

    async def _set(self, password: str) -> None:
        if why := await self._weakness(password):
            raise Refused(why)
        async with self._looking:
            kept = await in_thread(passwords.digest, password)
        await self._db.write(ADD(name=PASSWORD, value=kept), CHANGE(key=PASSWORD, content=kept))

    async def _weakness(self, password: str) -> str:
        async with self._looking:
            return str(await in_thread(passwords.fault, password, self._names()))

    async def _kept(self) -> str:
        rows = await self._db.fetch(GET, key=PASSWORD)
        return str(rows[0].value) if rows else ""

    def _check_tries(self, address: str) -> None:
        start = self._clock.monotonic() - WINDOW.total_seconds()
        self._wrong = [(at, who) for at, who in self._wrong if at > start]
        mine = [at for at, who in self._wrong if who == address]
        for tries, most in ((mine, PER_ADDRESS), ([at for at, _ in self._wrong], IN_ALL)):
            if len(tries) >= most:
                wait = tries[-most] - start
                minutes = math.ceil(wait / 60)
                raise Refused(
                    f"Too many wrong passwords. Try again in {minutes} minute{'s' if minutes != 1 else ''}.", wait
                )

    async def _warn(self, address: str) -> None:
        """Tell the owner, once in a row of wrong tries."""
        mine = sum(who == address for _, who in self._wrong)
        if mine == PER_ADDRESS or len(self._wrong) == IN_ALL:
            await self._tell(
                f"Somebody at {address} tried {mine} wrong passwords for the web page; they have to wait now."
            )
