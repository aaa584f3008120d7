"""The web page: chat with Rekku, be the model, look at everything and change it. For its owner alone, by default."""

import importlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekku.core.commands import Command, CommandCall
from rekku.core.desk import Question
from rekku.core.errors import ActionError, ConfigError, NotReachable
from rekku.core.house import Record
from rekku.core.interface_base import InterfaceBase
from rekku.core.members import in_thread
from rekku.core.message import Message
from rekku.interface.webui.calls import Calls
from rekku.interface.webui.context import INTERFACE, OWNER_ID, Context
from rekku.interface.webui.door import Door
from rekku.interface.webui.files import Files
from rekku.interface.webui.hub import Hub
from rekku.interface.webui.lines import DRAFT, REKKU, Lines
from rekku.interface.webui.sessions import Sessions
from rekku.interface.webui.settings import SETTINGS, is_loopback, names, origins, switched_off
from rekku.interface.webui.tables import SCHEMA
from rekku.interface.webui.tokens import Tokens

if TYPE_CHECKING:
    from rekku.interface.webui.server import Server

log = logging.getLogger(__name__)

FIRST_LINK = "Your web page is ready. Open this link to set its password (it is good once):\n{url}"
HERE = "Your web page: {url}"
NEW_LINK = "Open this within 15 minutes to set a new password for the web page. It is good once:\n{url}"
NO_PASSWORD = (
    "The web page does not listen at {host} as long as it has no password. Start once with WEBUI_HOST=127.0.0.1 and "
    "set one there, or set WEBUI_PASSWORD."
)
WEAK_PASSWORD = "The web page does not listen with the password in WEBUI_PASSWORD. {why}"
TERMINALS = frozenset({"cli"})
"""Where a link may be shown: nobody else reads along, and nothing is kept on other people's machines."""


class WebUi(InterfaceBase):
    """The web page."""

    settings = SETTINGS
    tables = SCHEMA
    can_edit = True
    idempotent_sends = True
    trainer_user_ids = frozenset({OWNER_ID})

    def __init__(self) -> None:
        self._server: Server | None = None
        self._context: Context | None = None
        self._undo: list[Callable[[], None]] = []
        self._commands: Sequence[Command] = ()
        self._trouble = ""
        self._welcome = ""

    @staticmethod
    def missing_settings(given: Mapping[str, str]) -> Sequence[str]:
        return switched_off(given)

    def get_interface_id(self) -> str:
        """`webui`."""
        return INTERFACE

    def get_commands(self) -> Sequence[Command]:
        return (Command("web", "Get a link that sets a new password for the web page.", self._give_link),)

    async def start(self) -> None:
        settings = self.host.settings
        known = origins(settings["WEBUI_URLS"])
        self._context = context = self._make_context()
        host = settings["WEBUI_HOST"]
        if not is_loopback(host) and not await context.door.has_password():
            self._trouble = NO_PASSWORD.format(host=host)
        elif weak := await context.door.fault():
            self._trouble = WEAK_PASSWORD.format(why=weak)
        if self._trouble:
            log.error("%s", self._trouble)
            return
        await self._listen(context, known)
        self._undo = [
            self.host.desk.watch(self._show_desk),
            self.host.house.watch_records(self._show_record),
        ]

    async def stop(self) -> None:
        for undo in self._undo:
            undo()
        self._undo = []
        if self._context is not None:
            self._context.hub.close()
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    def health(self) -> str:
        return self._trouble

    def welcome(self) -> str:
        """Where the page is; before there is a password, the link that sets it."""
        return self._welcome

    async def show_commands(self, commands: Sequence[Command]) -> None:
        self._commands = commands
        context = self._context
        if context is None:
            return  # they are shown from the start on
        context.commands = commands
        for client in context.hub.clients():
            client.send({"type": "commands", "commands": context.commands_for(client.session)})

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str:
        """Put a line on the page. Raises NotReachable if nobody has the chat open (a draft nobody misses)."""
        context, chat = self._ready(), str(payload["target"])
        message_id = str(payload["key"])
        if call := context.calls.waiting(payload, message_id, original_message):
            (call.draft if payload.get("draft") else call.final)(message_id, _words(payload))
            return message_id
        if payload.get("draft"):
            await context.lines.add(chat, message_id, REKKU, str(payload["text"]), state=DRAFT)
            context.lines.draft(chat, message_id, str(payload["text"]))
            return message_id
        self._check_open(chat)
        files = [(await context.files.keep(chat, file)).shown() for file in payload.get("attachments") or ()]
        await context.lines.add(chat, message_id, REKKU, str(payload["text"]), files=files, **_more(payload))
        return message_id

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        """Let a line say something else. Raises NotReachable if nobody has the chat open."""
        context, chat = self._ready(), str(payload["target"])
        message_id, text = str(payload["message_id"]), str(payload["text"])
        if call := context.calls.waiting(payload, message_id):
            (call.draft if payload.get("draft") else call.final)(message_id, text)
            return
        if payload.get("draft"):
            context.lines.draft(chat, message_id, text)
            return
        self._check_open(chat)
        await context.lines.edit(chat, message_id, text, **_more(payload))

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        await self._ready().lines.remove(str(payload["target"]), str(payload["message_id"]))

    async def react(self, payload: Mapping[str, Any]) -> None:
        await self._ready().lines.put(
            str(payload["target"]), str(payload["message_id"]), reaction=str(payload["emoji"])[:40]
        )

    async def typing(self, payload: Mapping[str, Any]) -> None:
        if payload.get("thread_id"):
            return  # a program asks, which sees no dots
        hub, chat, active = self._ready().hub, str(payload["target"]), bool(payload.get("active", True))
        (hub.thinking.add if active else hub.thinking.discard)(chat)
        hub.tell(chat, {"type": "typing", "active": active})

    async def forget_person(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        context = self._ready()
        counts = {"lines of the web page": 0, "files of the web page": 0}
        for person in await self.host.people():
            if person.person_id != person_id:
                continue
            for chat in [a.user.id for a in person.accounts if a.interface == INTERFACE]:
                counts["lines of the web page"] += await context.lines.count(chat)
                counts["files of the web page"] += await context.files.count(chat)
                if not dry_run:
                    await context.lines.erase(chat)
                    await context.files.erase(chat)
        return counts

    def _make_context(self) -> Context:
        host, house, hub = self.host, self.host.house, Hub()
        fixed, urls = host.settings["WEBUI_PASSWORD"] or "", host.settings["WEBUI_URLS"]
        return Context(
            host=host,
            door=Door(host.database, host.clock, fixed, host.tell_trainer, lambda: names(house.persona(), urls)),
            sessions=Sessions(host.database, host.clock, hub.end_session),
            hub=hub,
            lines=Lines(host.database, host.clock, hub),
            files=Files(host.database, host.clock, host.folder),
            tokens=Tokens(host.database, host.clock),
            calls=Calls(host),
            guests=host.settings["WEBUI_GUESTS"],
            commands=self._commands,
        )

    async def _listen(self, context: Context, known: frozenset[str]) -> None:
        web, server, assets = await in_thread(_imported)
        host, port = self.host.settings["WEBUI_HOST"], self.host.settings["WEBUI_PORT"]
        try:
            listening = await in_thread(server.listen, host, port)
        except OSError as error:
            self._trouble = (
                f"The web page cannot listen at {host}:{port} ({(error.strerror or str(error)).lower()}). "
                "Rekku goes on without it; choose another WEBUI_PORT."
            )
            log.error("%s", self._trouble)
            return
        app = web.application(context, await in_thread(assets.read_all), known)
        self._server = server.Server(app, listening)
        context.cookie = f"{INTERFACE}_{self._server.port}"
        await self._server.start()
        if port and self._server.port != port:
            log.warning("Port %d is taken, so the web page is at %s.", port, self._url())
        if await context.door.has_password():
            self._welcome = HERE.format(url=self._url())
        else:
            self._welcome = FIRST_LINK.format(url=self._url(context.door.new_link(limit=None)))

    def _url(self, link: str = "") -> str:
        host = self.host.settings["WEBUI_HOST"]
        public: Sequence[str] = self.host.settings["WEBUI_URLS"]
        port = self._server.port if self._server else 0
        base = public[0].rstrip("/") if public else f"http://{f'[{host}]' if ':' in host else host}:{port}"
        return f"{base}/#link={link}" if link else f"{base}/"

    def _give_link(self, call: CommandCall) -> str:
        if call.message.conversation.interface not in TERMINALS:
            raise ActionError("a link that lets you in is shown in the terminal alone: write /web there (`rekku chat`)")
        if self._context is None or self._server is None:
            raise ConfigError(self._trouble or "the web page is not there")
        return NEW_LINK.format(url=self._url(self._context.door.new_link()))

    def _ready(self) -> Context:
        if self._context is None:
            raise NotReachable("the web page is not there yet")
        return self._context

    def _check_open(self, chat: str) -> None:
        if not self._ready().hub.is_open(chat):
            raise NotReachable("nobody has the web page open")

    def _show_desk(self, question: Question, waiting: bool) -> None:
        if self._context is not None:
            from rekku.interface.webui.talk import desk_record

            self._context.hub.tell(OWNER_ID, desk_record(self._context))

    def _show_record(self, record: Record) -> None:
        from rekku.interface.webui.talk import shown

        for client in self._ready().hub.clients():
            if client.watches_log:
                client.send({"type": "log", "records": [shown(record)]})


def _imported() -> tuple[Any, Any, Any]:
    """The parts that stand on the web libraries; they take a moment, so they are imported at start only."""
    package = __name__
    return (
        importlib.import_module(f"{package}.web"),
        importlib.import_module(f"{package}.server"),
        importlib.import_module(f"{package}.assets"),
    )


def _words(payload: Mapping[str, Any]) -> str:
    """A text for a program, which gets no files."""
    files = [f"[{file.kind}: {file.name}]" for file in payload.get("attachments") or ()]
    return "\n".join(part for part in (str(payload["text"]), *files) if part)


def _more(payload: Mapping[str, Any]) -> dict[str, Any]:
    choices = [{"label": c.label, "command": c.command} for c in payload.get("choices") or ()]
    return {"choices": choices, "answers": str(payload.get("answers") or "")}


INTERFACE_CLASS = WebUi
