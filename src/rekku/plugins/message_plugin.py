"""Let Rekku say something: here, or in another chat."""

from collections.abc import Mapping
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.interface_base import say


class MessagePlugin(AIPluginBase):
    """One action, `message`: words to the conversation of the turn, or to another chat that the person may write to."""

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            "message": {
                "description": "Say something.",
                "required_fields": ["text"],
                "optional_fields": ["interface", "target", "thread_id"],
                "idempotent": True,
                "quotable": True,
            }
        }

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return {
            "description": "Say something to the person, or write to another chat by naming it.",
            "payload": {
                "interface": {"type": "string", "description": "only for another chat: where it is"},
                "target": {"type": ["string", "integer"], "description": "only for another chat: its id or name"},
                "thread_id": {"type": ["string", "integer"], "description": "only for a thread of that chat"},
                "text": {"type": "string", "description": "what you say", "example": "Good morning!"},
            },
        }

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        return [] if str(payload["text"]).strip() else ["payload.text is empty"]

    async def handle_custom_action(self, action_type: str, payload: Mapping[str, Any]) -> None:
        await say(self.host, payload, payload.get("interface"))


PLUGIN_CLASS = MessagePlugin
