"""The base class of interfaces: files that expose `INTERFACE_CLASS`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.commands import Command
from rekku.core.errors import ActionError
from rekku.core.host import Host
from rekku.core.message import Attachment, Message
from rekku.core.text import split_text


class InterfaceBase(AIPluginBase):
    """An interface: it hands over messages with `self.host.receive(message)` and delivers what Rekku says.

    The `payload` of its methods: `target` (the chat id), `thread_id`, `text`, `key` (the same each time that the
    same piece is tried: use it where the platform has idempotency keys), `reply_to` (a message id or ""),
    `attachments` (a tuple of Attachment), `choices` (a tuple of Choice: buttons, where the platform has them; the text
    says the commands too), `part` (0 for the first piece). Raise a DeliveryError to say what became of a piece.

    A message goes out in pieces, each of which is one call: its text as `split_message` cuts it, then file by file,
    with an empty text. What failed is tried again from the piece that failed.
    """

    can_edit = False
    """Whether `edit_message` works, so that a reply can be shown while it is being written."""

    trainer_user_ids: frozenset[str] = frozenset()
    """User ids that can only be the owner, because the interface itself has made sure of it (the local terminal)."""

    max_length = 0
    """The longest text of one message in characters; 0 if there is no limit. Longer ones arrive in pieces."""

    idempotent_sends = False
    """Whether the platform recognises `key`, so that a message that may have arrived can simply be sent again."""

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        """`message_<interface id>`: like `message`, to a chat of this interface."""
        return {
            f"message_{self.get_interface_id()}": {
                "description": f"Say something in a chat of {self.get_interface_id()}.",
                "required_fields": ["text"],
                "optional_fields": ["target", "thread_id"],
                "idempotent": True,
                "quotable": True,
            }
        }

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        """What the model is told about `message_<interface id>`."""
        return {
            "payload": {
                "target": {"type": ["string", "integer"], "description": "the chat, by id or name; left out: this one"},
                "thread_id": {"type": ["string", "integer"], "description": "only for a thread of that chat"},
                "text": {"type": "string", "description": "what you say"},
            }
        }

    async def handle_custom_action(self, action_type: str, payload: Mapping[str, Any]) -> Any:
        """Say it; another chat than the turn's needs permission."""
        await say(self.host, payload, self.get_interface_id())

    def get_interface_id(self) -> str:
        """The name that chats, settings and `TRAINER_IDS` use."""
        raise NotImplementedError(f"{type(self).__name__} has no get_interface_id")

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        """An empty text cannot be sent."""
        return [] if str(payload["text"]).strip() else ["payload.text is empty"]

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str | None:
        """Deliver a message; its id on the platform, if it has one."""
        raise NotImplementedError(f"{type(self).__name__} cannot send")

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        """Replace the text of the message `payload["message_id"]`; `payload["draft"]` says that more is to come."""
        raise NotImplementedError(f"{type(self).__name__} cannot edit")

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        """Take back the message `payload["message_id"]` (a draft that came to nothing)."""

    def welcome(self) -> str:
        """What the person who starts Rekku in a terminal should know about it: where it is reached, how to come in."""
        return ""

    def split_message(self, text: str) -> Sequence[str]:
        """The pieces in which a text is sent; for platforms that count otherwise than `max_length` says."""
        return split_text(text, self.max_length)

    async def send_audio(self, payload: Mapping[str, Any]) -> str | None:
        """Deliver `payload["attachment"]` as sound; without a way of its own it goes like any file."""
        return await self.send_message({**payload, "attachments": (payload["attachment"],)})

    async def react(self, payload: Mapping[str, Any]) -> None:
        """Put the reaction `payload["emoji"]` under the message `payload["message_id"]` of `target`."""
        raise ActionError(f"{self.get_interface_id()} has no reactions")

    async def show_commands(self, commands: Sequence[Command]) -> None:
        """Offer these slash commands in the platform's own way; called at start, and whenever they change."""

    async def typing(self, payload: Mapping[str, Any]) -> None:
        """Show in `target` that Rekku is thinking (`active` true) or not any more."""


async def say(
    host: Host, payload: Mapping[str, Any], interface: str | None = None, files: Sequence[Attachment] = ()
) -> None:
    """Send `payload["text"]` where `interface`, `target` and `thread_id` point, by default into the turn's chat."""
    target, thread, quoted = (_text(payload.get(key)) for key in ("target", "thread_id", "reply_to"))
    where = await host.resolve(interface, target, thread) if interface or target or thread else None
    await host.send(payload["text"], where, attachments=files, reply_to=quoted or "")


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)
