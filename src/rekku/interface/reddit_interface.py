"""Talk with Rekku on Reddit: replies, mentions and private messages; and let it read there."""

import asyncio
import importlib
import importlib.util
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekku.core.errors import ActionError, NotReachable, RekkuError
from rekku.core.interface_base import InterfaceBase
from rekku.core.members import in_thread
from rekku.core.message import Conversation, Message
from rekku.core.settings import Setting
from rekku.core.text import split_text
from rekku.interface._reddit_interface.names import user_name
from rekku.interface._reddit_interface.offer import TOLD, problems, supported
from rekku.interface._reddit_interface.seen import SCHEMA, Seen
from rekku.platforms.reddit.fault import Fate, Fault
from rekku.platforms.reddit.settings import ACCOUNT

if TYPE_CHECKING:
    from rekku.interface._reddit_interface.account import Account
    from rekku.interface._reddit_interface.feed import Feed
    from rekku.interface._reddit_interface.looking import Looker
    from rekku.interface._reddit_interface.writing import Writer

log = logging.getLogger(__name__)

INTERFACE = "reddit_interface"
LONGEST = 10_000
"""Characters of a comment or a private message."""
OPENING = 20.0
"""Seconds in which words that an action sends must be kept."""
SECRETIVE = ("asyncpraw", "asyncprawcore")
"""Loggers that write what people say to each other."""


class RedditInterface(InterfaceBase):
    """An account on Reddit. A thread of comments is a conversation; private messages are direct chats."""

    settings = (
        *ACCOUNT,
        Setting(
            "REDDIT_POLL_SECONDS",
            "Seconds between two looks into Reddit's inbox.",
            float,
            30.0,
            minimum=2,
            maximum=3600,
        ),
    )
    tables = SCHEMA
    max_length = LONGEST
    idempotent_sends = True  # what may have gone out is looked for before it is sent again

    def __init__(self) -> None:
        if importlib.util.find_spec("asyncpraw") is None:  # it is imported at start only: that takes a while
            raise ModuleNotFoundError("No module named 'asyncpraw'", name="asyncpraw")
        self._account: Account | None = None
        self._writer: Writer | None = None
        self._looker: Looker | None = None
        self._feed: Feed | None = None
        self._trouble = "not connected to Reddit yet"
        self._first_words: asyncio.Queue[tuple[str, Conversation, asyncio.Future[None]]] = asyncio.Queue()

    def get_interface_id(self) -> str:
        """`reddit_interface`."""
        return INTERFACE

    async def start(self) -> None:
        for name in SECRETIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self.host.spawn(self._live(), "reddit inbox")
        self.host.spawn(self._open_chats(), "reddit chats")

    async def stop(self) -> None:
        account, self._account = self._account, None
        self._writer = self._looker = self._feed = None
        if account is not None:
            await account.close()

    def health(self) -> str:
        return self._trouble if self._feed is None else self._feed.trouble

    def split_message(self, text: str) -> Sequence[str]:
        from rekku.interface._reddit_interface.writing import for_reddit

        return split_text(for_reddit(text), LONGEST)

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str:
        if self._writer is None:
            raise NotReachable(self.health())
        return await self._writer.say(payload)

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        return {**super().get_supported_actions(), **supported()}

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return TOLD[action_name] if action_name in TOLD else super().get_prompt_instructions(action_name)

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        if action_type in TOLD:
            return problems(action_type, payload)
        return await super().validate_payload(action_type, payload)

    async def handle_custom_action(self, action_type: str, payload: Mapping[str, Any]) -> Any:
        """Look around, join, leave, or write to somebody."""
        if action_type not in TOLD:
            return await super().handle_custom_action(action_type, payload)
        if self._looker is None:
            raise ActionError(self.health())
        try:
            return await self._do(self._looker, action_type, payload)
        except Fault as fault:
            later = f"; it may be tried again in {fault.wait:.0f} seconds" if fault.fate is Fate.LATER else ""
            raise ActionError(f"Reddit: {fault.words}{later}") from fault

    async def _do(self, looker: "Looker", action: str, payload: Mapping[str, Any]) -> Any:
        match action:
            case "reddit_read":
                return await looker.read(payload)
            case "reddit_search":
                return await looker.search(payload)
            case "reddit_comments":
                return await looker.comments(payload)
            case "reddit_subscriptions":
                return await looker.subscriptions()
            case "reddit_message":
                return await self._write_to(looker, user_name(payload["user"]), payload["text"])
        return await looker.subscribe(payload, join=action == "reddit_subscribe")

    async def _write_to(self, looker: "Looker", name: str, text: str) -> str:
        """Begin a chat with somebody who need not have written before. It is kept when this returns."""
        where = Conversation(INTERFACE, await looker.person(name))
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._first_words.put_nowait((text, where, kept))
        async with asyncio.timeout(OPENING):
            await kept
        return f"The message to u/{name} is on its way."

    async def _open_chats(self) -> None:
        """Send the first words of chats. Not in the turn that wants them: it knows only chats that are there."""
        while True:
            text, where, kept = await self._first_words.get()
            try:
                await self.host.send(text, where)
            except RekkuError as error:  # it goes back to the action, which tells the model
                if not kept.done():
                    kept.set_exception(error)
            else:
                if not kept.done():
                    kept.set_result(None)

    async def _live(self) -> None:
        """Connect, then look into the inbox for ever."""
        await in_thread(_load)
        from rekku.interface._reddit_interface.account import Account
        from rekku.interface._reddit_interface.feed import Feed
        from rekku.interface._reddit_interface.looking import Looker
        from rekku.interface._reddit_interface.reading import Reader
        from rekku.interface._reddit_interface.writing import Writer

        clock, seen = self.host.clock, Seen(self.host.database)
        try:
            self._account = account = Account(self.host.settings, clock)
        except Fault as fault:
            self._trouble = fault.words
            log.error("%s.", fault.words)
            return
        self._writer, self._looker = Writer(account, seen, clock), Looker(account, clock)
        reader = Reader(INTERFACE, account, seen, clock)
        self._feed = Feed(account, reader, seen, clock, self.host.receive, self.host.reachable)
        await self._feed.run(self.host.settings["REDDIT_POLL_SECONDS"])


def _load() -> None:
    importlib.import_module("rekku.interface._reddit_interface.account")


INTERFACE_CLASS = RedditInterface
