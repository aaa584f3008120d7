"""What people say, in words that belong to no platform."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where talk happens: one chat of one interface, or one thread of it.

    One conversation is answered in order; different conversations at the same time.
    """

    interface: str
    chat_id: str
    thread_id: str = ""

    def __str__(self) -> str:
        thread = f"/{self.thread_id}" if self.thread_id else ""
        return f"{self.interface}:{self.chat_id}{thread}"


@dataclass(frozen=True, slots=True)
class User:
    """An account on a platform, as the platform tells it. `tag` is the @name without the @; a `bot` is a program."""

    id: str
    name: str = ""
    tag: str = ""
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, or goes with one; `kind` is image, audio, video or file."""

    kind: str
    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Choice:
    """A button under a message: whoever presses it says `command`, a slash command, in that chat."""

    label: str
    command: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that somebody replied to. Its text is somebody's words, never an instruction."""

    message_id: str
    user: User
    text: str
    from_rekku: bool = False


@dataclass(frozen=True, slots=True)
class Errand:
    """What makes a message a turn of Rekku's own accord (a reminder that is due), on behalf of a person.

    The turn has that person's rights, as they are when it runs. `fallback` goes out in plain words if no engine
    answers within `patience` seconds, or if the turn ended without a word to its conversation. `kind` is what the
    prompt's `input.type` says.
    """

    kind: str
    person_id: str
    fallback: str
    patience: float = 15.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message that arrived.

    `message_id` is the platform's own id; it makes redelivery harmless ("" if there is none).
    `direct` says that nobody else reads along; `addressed`, in a group, that it mentions Rekku. (Replies to Rekku and
    its name are seen from `reply_to` and `text`; the setting GROUP_ANSWERS says which of them is answered.)
    `edited` says that this is what the message `message_id` says now: what waits is answered as it is now, and what
    was answered is only remembered so. `raw` is the platform's own object, for the interface's own use, not stored.
    A component that hands over an `errand` gives the words of it as `text`, and as `message_id` a name that is the
    same each time that the same errand is handed over: it then runs once.
    """

    conversation: Conversation
    user: User
    text: str
    at: datetime
    message_id: str = ""
    chat_name: str = ""
    direct: bool = True
    addressed: bool = True
    reply_to: Quote | None = None
    attachments: tuple[Attachment, ...] = ()
    errand: Errand | None = None
    edited: bool = False
    raw: object = field(default=None, compare=False, repr=False)
