"""What is known of messages that were sent, from one connection to the next."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Memory:
    """`doubts` are the messages that may have arrived, by their keys, each with the number of the last message that
    stood in the channel before; `last` is the last message that was sent to each channel."""

    doubts: dict[str, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
