"""The gate for actions: who may do what. There is one, it is code, and it fails closed."""

from dataclasses import dataclass

from rekku.core.actions import Action, Risk
from rekku.core.message import Conversation
from rekku.core.principal import Principal, Role

RELAXED = ("trainer_only", "off")
"""The modes in which anything restricted may be done at all; every other value counts as `on`."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The owner's choices. `mode` is RESTRICT_ACTIONS; `high_risk_chats` are those beside direct chats."""

    mode: str = "trainer_only"
    high_risk_chats: frozenset[str] = frozenset()

    @property
    def lets_write_elsewhere(self) -> bool:
        """Whether messages may go to other chats than the turn's at all: they are of medium risk."""
        return self.mode in RELAXED

    @classmethod
    def from_setting(cls, mode: str, chats: tuple[str, ...]) -> "Rules":
        """Rules out of the settings' texts; a wrong mode counts as `on`."""
        wanted = mode.strip().lower()
        return cls(wanted if wanted in RELAXED else "on", frozenset(chats))


def refusal(action: Action, who: Principal, where: Conversation, direct: bool, rules: Rules) -> str:
    """Why this action may not be done here, for the model; "" if it may."""
    if who.role is Role.BLOCKED:
        return f"{action.name} is not permitted: this person is blocked"
    if action.risk is Risk.LOW:
        return ""
    if rules.mode not in RELAXED:
        return f"{action.name} is not permitted: restricted actions are switched off (RESTRICT_ACTIONS)"
    if action.risk is Risk.MEDIUM:
        least = Role.KNOWN if rules.mode == "off" else Role.TRAINER
        return "" if who.role >= least else f"{action.name} is not permitted for {who.role.word} people"
    if not who.is_trainer:
        return f"{action.name} is not permitted: it is the trainer's alone"
    if not direct and f"{where.interface}:{where.chat_id}" not in rules.high_risk_chats:
        return f"{action.name} is not permitted in this chat: only in a direct chat with the trainer"
    return ""
