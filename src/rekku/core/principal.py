"""Who is behind a turn, and what that allows. Made at the gate, never changed, never parsed from a text."""

from dataclasses import dataclass
from enum import IntEnum

TRAINER_PERSON = "trainer"
"""The person id that all accounts of the trainer share."""


class Role(IntEnum):
    """How far Rekku trusts a person; a higher role may do everything that a lower one may."""

    BLOCKED = 0
    UNKNOWN = 1
    KNOWN = 2
    TRAINER = 3

    @property
    def word(self) -> str:
        """The role in lower case, as people read it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Principal:
    """The person whose message started a turn. `person_id` is the same on all of that person's accounts."""

    person_id: str
    role: Role
    interface: str
    user_id: str
    name: str = ""

    @property
    def is_trainer(self) -> bool:
        """Whether this is the owner."""
        return self.role is Role.TRAINER
