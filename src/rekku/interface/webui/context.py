"""What all parts of the page share."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rekku.core.commands import Command
from rekku.core.host import Host
from rekku.core.principal import Role
from rekku.interface.webui.door import Door
from rekku.interface.webui.files import Files
from rekku.interface.webui.hub import Hub
from rekku.interface.webui.lines import Lines
from rekku.interface.webui.sessions import Session, Sessions
from rekku.interface.webui.tokens import Tokens

if TYPE_CHECKING:
    from rekku.interface.webui.calls import Calls

INTERFACE = "webui"
OWNER_ID = "owner"
"""The user id of the owner, whose chat has the same name."""
API = "api-"
"""With what the threads begin in which programs talk in the owner's name."""
GUESTS_PER_HOUR = 60


@dataclass(slots=True)
class Context:
    """What all parts of the page share."""

    host: Host
    door: Door
    sessions: Sessions
    hub: Hub
    lines: Lines
    files: Files
    tokens: Tokens
    calls: "Calls"
    guests: bool
    cookie: str = INTERFACE
    commands: Sequence[Command] = field(default_factory=tuple)
    guests_came: "deque[float]" = field(default_factory=lambda: deque(maxlen=GUESTS_PER_HOUR))

    def commands_for(self, session: Session) -> list[dict[str, str]]:
        """The slash commands that somebody may use, for completion."""
        role = Role.TRAINER if session.is_owner else Role.UNKNOWN
        mine = [command for command in self.commands if role >= command.role]
        return [{"name": c.name, "usage": c.usage, "summary": c.summary} for c in mine]

    def came(self, now: float) -> bool:
        """Count a new guest; False if there were too many in the last hour."""
        times = self.guests_came
        if len(times) == GUESTS_PER_HOUR and now - times[0] < 3600:
            return False
        times.append(now)
        return True
