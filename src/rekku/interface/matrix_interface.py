"""Talk with Rekku on Matrix: rooms, direct chats, threads, encrypted ones too."""

import importlib.util
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekku.core.drafts import DraftThrottle
from rekku.core.errors import NotReachable
from rekku.core.interface_base import InterfaceBase
from rekku.core.members import in_thread
from rekku.core.message import Message
from rekku.core.principal import Role
from rekku.core.settings import Setting
from rekku.core.text import open_links, split_text

if TYPE_CHECKING:
    import nio

    from rekku.interface._matrix_interface.feed import Feed
    from rekku.interface._matrix_interface.writing import Writer

log = logging.getLogger(__name__)

INTERFACE = "matrix_interface"
LONGEST = 20_000
"""Bytes of one message: an event has room for 65,536, and holds the text twice, once as HTML (client-server API).
What is not ASCII counts as an encrypted room would have it."""
TYPING = 30_000
DRAFT_EVERY = 1.5
"""Seconds between two edits in a room; each is an event that stays."""
AGAIN_AFTER = 60.0
LEAST_ROLE = {"trainer": Role.TRAINER, "known": Role.KNOWN, "all": Role.UNKNOWN}


class MatrixInterface(InterfaceBase):
    """An account on a homeserver."""

    settings = (
        Setting("MATRIX_HOMESERVER", "The homeserver of Rekku's account, as https://matrix.org.", required=True),
        Setting("MATRIX_USER", "Rekku's account on Matrix, as @rekku:matrix.org."),
        Setting("MATRIX_PASSWORD", "The password of that account.", secret=True),
        Setting("MATRIX_TOKEN", "An access token of that account, instead of the password.", secret=True),
        Setting(
            "MATRIX_INVITES",
            "Whose invitations Rekku accepts: yours (trainer), those of known people too, everybody's, nobody's.",
            default="trainer",
            choices=("trainer", "known", "all", "nobody"),
        ),
    )
    can_edit = True
    max_length = LONGEST
    idempotent_sends = True  # transaction ids
    _drafts: DraftThrottle

    def __init__(self) -> None:
        if importlib.util.find_spec("nio") is None:  # it is imported at start only: that takes a while
            raise ModuleNotFoundError("No module named 'nio'", name="nio")
        self._client: nio.AsyncClient | None = None
        self._writer: Writer | None = None
        self._feed: Feed | None = None
        self._trouble = ""

    @staticmethod
    def missing_settings(given: Mapping[str, str]) -> list[str]:
        if given.get("MATRIX_TOKEN", "").strip():
            return []
        return [name for name in ("MATRIX_USER", "MATRIX_PASSWORD") if not given.get(name, "").strip()]

    def get_interface_id(self) -> str:
        """`matrix_interface`."""
        return INTERFACE

    async def start(self) -> None:
        self._drafts = DraftThrottle(self.host.clock)
        logging.getLogger("nio").setLevel(logging.ERROR)
        self.host.spawn(self._live(), "matrix")

    async def stop(self) -> None:
        client, self._client, self._writer = self._client, None, None
        if client is not None:
            await client.close()

    def health(self) -> str:
        return self._feed.trouble if self._feed is not None else self._trouble

    def split_message(self, text: str) -> Sequence[str]:
        from rekku.interface._matrix_interface.formatting import weight

        return split_text(open_links(text), LONGEST, weight)

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str:
        return await self._ready().say(payload)

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        await self._drafts.edit(self._ready().change, payload, str(payload["target"]), DRAFT_EVERY)

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        await self._ready().remove(payload)

    async def react(self, payload: Mapping[str, Any]) -> None:
        await self._ready().react(payload)

    async def typing(self, payload: Mapping[str, Any]) -> None:
        if self._client is not None:
            await self._client.room_typing(str(payload["target"]), bool(payload.get("active")), TYPING)

    async def _live(self) -> None:
        """Be logged in and listen, as often as it takes."""
        await in_thread(importlib.import_module, "nio")
        import aiohttp

        from rekku.interface._matrix_interface.feed import SessionEndedError
        from rekku.interface._matrix_interface.session import Login, NotLoggedInError, forget, logged_in

        given = self.host.settings
        user, password, token = (given[f"MATRIX_{name}"] or "" for name in ("USER", "PASSWORD", "TOKEN"))
        login = Login(given["MATRIX_HOMESERVER"].rstrip("/"), user, password, token)
        while True:
            try:
                await self._follow(await logged_in(login, self.host.folder))
            except NotLoggedInError as error:
                trouble = str(error)
            except SessionEndedError:
                trouble = "the homeserver has ended the session"
                await forget(self.host.folder)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                trouble = f"the homeserver cannot be reached ({type(error).__name__})"
            except Exception as error:  # the door to the library: it is tried again rather than silent for good
                log.exception("The connection with Matrix has failed; it is made anew.")
                trouble = f"the connection has failed ({type(error).__name__}); the log says more"
            if trouble != self._trouble:
                log.warning("%s.", trouble)
            self._trouble, self._feed, self._writer = trouble, None, None
            await self.stop()
            await self.host.clock.sleep(AGAIN_AFTER)

    async def _follow(self, client: "nio.AsyncClient") -> None:
        from rekku.interface._matrix_interface.feed import Feed
        from rekku.interface._matrix_interface.reading import Reader
        from rekku.interface._matrix_interface.writing import Writer

        reader = Reader(client, INTERFACE)

        def ready() -> None:
            self._trouble = ""
            self._writer = Writer(client, reader)
            self.host.reachable()

        self._client = client
        self._feed = feed = Feed(
            client=client,
            reader=reader,
            clock=self.host.clock,
            folder=self.host.folder,
            take=self.host.receive,
            reacted=self.host.reacted,
            tell_trainer=self.host.tell_trainer,
            welcome=self._welcome,
            ready=ready,
        )
        await feed.follow()

    async def _welcome(self, room_id: str, inviter: str) -> bool:
        """Whether to accept an invitation."""
        wanted = self.host.settings["MATRIX_INVITES"]
        if wanted == "nobody" or not inviter:
            return False
        found = await self.host.people(f"{INTERFACE}:{inviter}")
        role = max((person.role for person in found), default=Role.UNKNOWN)
        accepted = role >= LEAST_ROLE[wanted]
        log.info("An invitation of %s to %s is %s.", inviter, room_id, "accepted" if accepted else "declined")
        return accepted

    def _ready(self) -> "Writer":
        if self._writer is None:
            raise NotReachable(self._trouble or "not connected to the homeserver yet")
        return self._writer


INTERFACE_CLASS = MatrixInterface
