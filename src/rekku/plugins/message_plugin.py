"""Let Rekku say something: here, or in another chat; with files, as a reply, or with a reaction instead."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.errors import ActionError
from rekku.core.interface_base import say
from rekku.core.message import Attachment, Message
from rekku.plugins._message_plugin.files import listed, read

LONGEST_EMOJI = 32
MOST_FILES = 5

ACTIONS: Mapping[str, Mapping[str, Any]] = {
    "message": {
        "description": "Say something.",
        "required_fields": ["text"],
        "optional_fields": ["interface", "target", "thread_id", "reply_to", "files"],
        "idempotent": True,
        "quotable": True,
    },
    "react": {
        "description": "Put an emoji under the message that you are answering, where the chat has reactions.",
        "required_fields": ["emoji"],
        "idempotent": True,
    },
}
TOLD: Mapping[str, Mapping[str, Any]] = {
    "message": {
        "description": "Say something to the person, or write to another chat by naming it.",
        "payload": {
            "interface": {"type": "string", "description": "only for another chat: where it is"},
            "target": {"type": ["string", "integer"], "description": "only for another chat: its id or name"},
            "thread_id": {"type": ["string", "integer"], "description": "only for a thread of that chat"},
            "reply_to": {"type": ["string", "integer"], "description": "only to quote a message: its message_id"},
            "files": {
                "type": "array",
                "items": {"type": "string"},
                "description": "names of files to send along: those that came with the message, or, for your trainer, "
                "those in your folder of files",
            },
            "text": {"type": "string", "description": "what you say", "example": "Good morning!"},
        },
    },
    "react": {"payload": {"emoji": {"type": "string", "description": "one emoji", "example": "👍"}}},
}


class MessagePlugin(AIPluginBase):
    """`message`: words, and files, to the conversation of the turn or to another chat that the person may write to;
    `react`: an emoji under the message that is answered."""

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        return ACTIONS

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return TOLD[action_name]

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        if action_type == "react":
            emoji = str(payload["emoji"]).strip()
            return [] if 0 < len(emoji) <= LONGEST_EMOJI else ["payload.emoji must be one emoji"]
        names = payload.get("files") or []
        problems = [] if all(isinstance(name, str) for name in names) else ["payload.files must be a list of names"]
        if len(names) > MOST_FILES:
            problems.append(f"payload.files may hold {MOST_FILES} names; send the others with another message")
        if not str(payload["text"]).strip() and not names:
            problems.append("payload.text is empty")
        return problems

    async def execute_action(
        self, action: Mapping[str, Any], context: Mapping[str, Any], bot: object, message: Message
    ) -> None:
        payload = action["payload"]
        if action["type"] == "react":
            await self.host.react(str(payload["emoji"]).strip())
            return
        files = [await self._file(name, payload, message) for name in payload.get("files") or ()]
        await say(self.host, payload, payload.get("interface"), files)

    async def _file(self, name: str, payload: Mapping[str, Any], message: Message) -> Attachment:
        """A file that came with the message, or one of Rekku's own folder: that is the trainer's, and stays here."""
        came = next((file for file in message.attachments if file.name == name), None)
        if came is not None:
            return came
        principal = self.host.principal
        if principal is None or not principal.is_trainer:
            raise ActionError(f"payload.files: no file {name!r} came with the message{_those(message.attachments)}")
        if payload.get("interface") or payload.get("target"):
            raise ActionError("payload.files: files of your folder go only into the chat where they are asked for")
        found = await asyncio.to_thread(read, self.host.files, name)
        if found is None:
            names = await asyncio.to_thread(listed, self.host.files)
            raise ActionError(f"payload.files: there is no file {name!r} in your folder; it holds {names}")
        return found


def _those(files: Sequence[Attachment]) -> str:
    return f"; these did: {', '.join(file.name for file in files)}" if files else ""


PLUGIN_CLASS = MessagePlugin
