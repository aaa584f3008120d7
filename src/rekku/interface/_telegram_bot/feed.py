"""What Telegram has for the bot, fetched again and again.

An update is confirmed to Telegram only when everything in it has been handed over, so none is lost by a crash; one that
comes again is recognised by its message id.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

from telegram import Bot, Update
from telegram.error import Conflict, TelegramError

from rekku.core.clock import Clock
from rekku.core.errors import StoreError
from rekku.interface._telegram_bot.faults import FIRST_WAIT, trouble_of

log = logging.getLogger(__name__)

WANTED = (
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "callback_query",
    "message_reaction",
    "my_chat_member",
)
LONG_POLL = 30
"""Seconds that Telegram keeps a question open until there is something."""
ALBUM = 0.7
"""Seconds in which the other pictures of an album arrive: each is an update of its own."""
AWAY = 2.0

Take = Callable[[Sequence[Update]], Awaitable[None]]


class Feed:
    """Hands updates to `take`, in order; those of one album together. `trouble` says what is wrong, in words.

    `back` is called when Telegram is there again after trouble.
    """

    def __init__(self, bot: Bot, clock: Clock, take: Take, back: Callable[[], None]) -> None:
        self._bot = bot
        self._clock = clock
        self._take = take
        self._back = back
        self.trouble = "not connected to Telegram yet"

    def note(self, trouble: str) -> None:
        """Keep what is wrong, "" if nothing is; the log has it once."""
        if trouble and trouble != self.trouble:
            log.warning("%s.", trouble)
        was, self.trouble = self.trouble, trouble
        if was and not trouble:
            self._back()

    async def fetch(self) -> None:
        """Ask Telegram, hand over, confirm; runs for ever."""
        offset: int | None = None
        waited_for = 0
        wait = FIRST_WAIT
        while True:
            patience = 0 if self.trouble else LONG_POLL  # after trouble it is first seen whether that is over
            try:
                updates = await self._bot.get_updates(
                    offset=offset, timeout=patience, allowed_updates=WANTED, read_timeout=patience + 10
                )
            except TelegramError as error:
                trouble, wait = trouble_of(error, wait)
                self.note(trouble)
                await self._take_hook_away(error)
                await self._clock.sleep(wait)
                continue
            self.note("")
            wait = FIRST_WAIT
            for some in _albums(updates):
                first = some[0].update_id
                if some[-1] is updates[-1] and _album(some[-1]) and waited_for != first:
                    offset = waited_for = first  # asked for once more, with what is still on its way
                    await self._clock.sleep(ALBUM)
                    break
                await self.hand_over(some)
                offset = some[-1].update_id + 1

    async def hand_over(self, updates: Sequence[Update]) -> None:
        """Take some updates in; while the database is away they wait."""
        while True:
            try:
                await self._take(updates)
                return
            except StoreError as error:
                log.warning("A message from Telegram waits for the database: %s", error)
                await self._clock.sleep(AWAY)
            except Exception:  # the door to what Telegram sends: one odd update must not stop the others
                log.exception("An update from Telegram could not be read and is left out.")
                return

    async def _take_hook_away(self, error: TelegramError) -> None:
        """Somebody has set a web hook since the start: Telegram gives nothing to who asks, until it is gone."""
        if isinstance(error, Conflict) and "webhook" in error.message.lower():
            try:
                await self._bot.delete_webhook()
            except TelegramError as other:
                log.warning("The web hook could not be taken away: %s", other.message)


def _album(update: Update) -> str | None:
    return update.message.media_group_id if update.message else None


def _albums(updates: Sequence[Update]) -> Iterator[list[Update]]:
    """The updates one by one, but the pictures of an album together."""
    together: list[Update] = []
    for update in updates:
        album = _album(update)
        if together and (album is None or _album(together[-1]) != album):
            yield together
            together = []
        together.append(update)
        if album is None:
            yield together
            together = []
    if together:
        yield together
