"""One trip along the road, as components see it when it is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from rekku.core.message import Conversation, Message
from rekku.core.principal import Principal


class Outcome(StrEnum):
    """How it ended for a message."""

    ANSWERED = "answered"
    DEFERRED = "deferred"
    FAILED = "failed"
    CANCELLED = "cancelled"
    COMMAND = "command"
    IGNORED = "ignored"


class Fate(StrEnum):
    """What became of a message that was handed over, and of what was said in its turn."""

    OPEN = "open"
    DELIVERED = "delivered"
    UNDELIVERED = "not delivered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Deed:
    """One action of a turn. `status` is planned, asked (an approval is awaited), started, done, failed, refused,
    quoted (not meant) or unknown."""

    action: str
    payload: Mapping[str, Any]
    status: str = "planned"
    output: Any = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A finished turn.

    `replies` are the texts that were sent, to whom they may; `fields` the declared keys that the model wrote
    beside `actions`; `listeners` the person ids of who heard it in a group, beside who is talking; tokens are summed
    over the calls of the turn.
    """

    id: int
    conversation: Conversation
    principal: Principal
    messages: tuple[Message, ...]
    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    replies: tuple[str, ...] = ()
    deeds: tuple[Deed, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    listeners: tuple[str, ...] = ()
