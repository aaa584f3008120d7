"""Let Rekku, and its owner from any chat, use a shell."""

from collections.abc import Mapping, Sequence
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.commands import Answer as Reply
from rekku.core.commands import Command, CommandCall
from rekku.core.errors import ActionError
from rekku.core.message import Conversation, Message
from rekku.core.settings import Setting
from rekku.plugins._terminal import sandbox
from rekku.plugins._terminal.line import LONGEST_INPUT
from rekku.plugins._terminal.output import shortened
from rekku.plugins._terminal.screens import Screens
from rekku.plugins._terminal.sessions import Answer, Sessions
from rekku.plugins._terminal.shell import State

MOST_SECONDS = 600
LONGEST_LAST = 100_000
"""Characters that `/sh last` shows."""
LOOK_EVERY = 60.0
"""Seconds between two looks at idle shells."""

NEW = "A new shell. If there was an earlier one, only its files are left."
KILLED = "It did not end in time, so it was killed with its shell. The next command gets a new shell."
ENDED = "This command ended its shell. The next command gets a new shell."
WAITING = "It still runs and waits for input."
SHELL_MODE = "Shell mode: what you write here goes to bash, until /exit."
WAYS_ON = "What you write with /sh goes to it; /sh stop ends it."


class TerminalPlugin(AIPluginBase):
    """One action, `terminal`, and the commands `/sh` and `/exit`: a bash for each of the owner's chats. For a control
    panel there are screens: each a bash to look at."""

    settings = (
        Setting("TERMINAL_TIMEOUT", "Seconds that a shell command may take.", float, 60.0, minimum=1, maximum=600),
        Setting("TERMINAL_INPUT_WAIT", "Seconds that a program may wait for input.", float, 300.0, minimum=1),
        Setting("TERMINAL_IDLE", "Seconds until a shell that nobody uses is ended.", float, 1800.0, minimum=10),
        Setting(
            "TERMINAL_OUTPUT", "Characters of an output that are shown at once.", int, 8000, minimum=200, maximum=20000
        ),
        Setting(
            "TERMINAL_SANDBOX",
            "Whether the shell is kept in by bubblewrap: auto (where it works), on (else there is no shell), off.",
            default="auto",
            choices=("auto", "on", "off"),
        ),
        Setting("TERMINAL_NETWORK", "Whether the shell in its sandbox reaches the network.", bool, False),
    )

    def __init__(self) -> None:
        self._sessions: Sessions | None = None
        self._screens: Screens | None = None

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        # What a shell prints that can reach nothing but its own folder are no outsider's words.
        # A plain `def`: the first look at bubblewrap blocks for some 20 ms, so it has to happen in a thread.
        return {
            "terminal": {
                "description": "Run a command in the owner's bash and read what it prints.",
                "required_fields": ["command"],
                "optional_fields": ["input", "timeout", "persistent_session"],
                "risk": "high",
                "timeout": MOST_SECONDS + 30,
                "trusted_output": self._sandboxed() and not self.host.settings["TERMINAL_NETWORK"],
            }
        }

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return {
            "description": (
                "Run a bash command for the owner; directory and variables last. You get its output and exit status, "
                "so never guess them. If it waits for input, ask again with `command` empty and `input` set."
            ),
            "payload": {
                "command": {
                    "type": "string",
                    "description": "what bash executes; empty to go on with a program that waits",
                    "example": "df -h .",
                },
                "input": {
                    "type": "string",
                    "description": "a line for the program; ^C stops it, ^D ends its input",
                },
                "timeout": {"type": "number", "description": f"seconds, at most {MOST_SECONDS}"},
                "persistent_session": {"type": "boolean", "description": "false: in a shell of its own (default true)"},
            },
        }

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        problems = []
        seconds = payload.get("timeout")
        if seconds is not None and not 0 < seconds <= MOST_SECONDS:
            problems.append(f"payload.timeout must be more than 0 and at most {MOST_SECONDS} seconds")
        if not payload["command"].strip() and not payload.get("persistent_session", True):
            problems.append("payload.command is empty: a shell of its own needs one")
        if len(str(payload.get("input", "")).encode("utf-8", "replace")) > LONGEST_INPUT:
            problems.append(f"payload.input must have at most {LONGEST_INPUT} bytes")
        return problems

    async def execute_action(
        self, action: Mapping[str, Any], context: Mapping[str, Any], bot: object, message: Message
    ) -> Mapping[str, Any]:
        """Run it. The output is `{output, exit_status?, note?}`."""
        who, payload = self.host.principal, action["payload"]
        if who is None or not who.is_trainer:
            raise ActionError("the terminal is the trainer's alone")
        key = (who.person_id, Conversation(context["interface"], context["chat_id"], context["thread_id"]))
        limit = float(payload.get("timeout") or self.host.settings["TERMINAL_TIMEOUT"])
        sessions = self._ready()
        run = sessions.run if payload.get("persistent_session", True) else sessions.run_alone
        answer = await run(key, payload["command"], limit, payload.get("input"))
        note = _note(answer)
        told: dict[str, Any] = {"output": shortened(answer.ran.output, self.host.settings["TERMINAL_OUTPUT"])}
        if answer.ran.status is not None:
            told["exit_status"] = answer.ran.status
        return {**told, "note": note} if note else told

    def get_commands(self) -> Sequence[Command]:
        return (
            Command("sh", "Run a command in my shell; alone: shell mode.", self._sh, usage="[COMMAND|last|stop]"),
            Command("exit", "Leave shell mode.", self._exit),
        )

    async def start(self) -> None:
        room = sandbox.Room(self.host.files, self._sandboxed(), self.host.settings["TERMINAL_NETWORK"])
        self._sessions = Sessions(room, self.host.settings["TERMINAL_INPUT_WAIT"], self.host.clock.monotonic)
        self._screens = Screens(room, self.host.settings["TERMINAL_IDLE"])
        self.host.spawn(self._end_idle(self._sessions, self._screens), "idle shells")

    async def stop(self) -> None:
        screens, self._screens = self._screens, None
        sessions, self._sessions = self._sessions, None
        if screens is not None:
            await screens.end_all()
        if sessions is not None:
            await sessions.end_all()

    async def panel(self, deed: str, given: Mapping[str, Any]) -> Any:
        """For the owner's control panel: screens, open, read, type, resize, close."""
        self._ready()
        if self._screens is None:
            raise ActionError("the terminal has not been started")
        if deed == "open":
            self.host.log.info("A terminal is opened in a control panel.")
        return await self._screens.do(deed, given)

    def health(self) -> str:
        wanted = self.host.settings["TERMINAL_SANDBOX"]
        if wanted == "off":
            return "commands run without a sandbox, as TERMINAL_SANDBOX says"
        why = sandbox.why_no_sandbox()
        if not why:
            return ""
        return f"no command runs: {why}" if wanted == "on" else f"commands run without a sandbox: {why}"

    async def _sh(self, call: CommandCall) -> str | Reply:
        key = (call.principal.person_id, call.message.conversation)
        sessions = self._ready()
        if not call.plain and not call.text:
            return Reply(SHELL_MODE, listens=True)
        if not call.plain and call.text == "last":
            last = sessions.last(key)
            return "There is no output yet." if last is None else shortened(last, LONGEST_LAST) or "(no output)"
        if not call.plain and call.text == "stop":
            stopped = await sessions.stop(key)
            return "It is being stopped." if stopped is None else self._told(stopped)
        return self._told(await sessions.type(key, call.text, self.host.settings["TERMINAL_TIMEOUT"]))

    async def _exit(self, call: CommandCall) -> Reply:
        return Reply("You are out of shell mode. The shell itself goes on until it is idle.", listens=False)

    def _told(self, answer: Answer) -> str:
        """An answer in words for the owner."""
        ran = answer.ran
        lines = [shortened(ran.output, self.host.settings["TERMINAL_OUTPUT"]).rstrip("\n")]
        if ran.status:
            lines.append(f"[exit status {ran.status}]")
        if note := _note(answer):
            lines.append(f"[{note}{' ' + WAYS_ON if ran.state is State.WAITING else ''}]")
        return "\n".join(line for line in lines if line) or "(no output)"

    def _ready(self) -> Sessions:
        if self._sessions is None:
            raise ActionError("the terminal has not been started")
        if self.host.settings["TERMINAL_SANDBOX"] == "on" and not self._sandboxed():
            raise ActionError(f"no command runs without a sandbox (TERMINAL_SANDBOX): {sandbox.why_no_sandbox()}")
        return self._sessions

    def _sandboxed(self) -> bool:
        return self.host.settings["TERMINAL_SANDBOX"] != "off" and not sandbox.why_no_sandbox()

    async def _end_idle(self, sessions: Sessions, screens: Screens) -> None:
        while True:
            await self.host.clock.sleep(LOOK_EVERY)
            await sessions.end_idle(self.host.settings["TERMINAL_IDLE"])
            await screens.end_idle()


def _note(answer: Answer) -> str:
    notes = {State.WAITING: WAITING, State.KILLED: KILLED, State.ENDED: ENDED}
    new = [NEW] if answer.fresh else []
    return " ".join([*new, *([notes[answer.ran.state]] if answer.ran.state in notes else [])])


PLUGIN_CLASS = TerminalPlugin
