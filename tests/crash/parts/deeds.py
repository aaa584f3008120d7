"""One action that must not be done twice, one that may, and ears for the end of a turn."""

from collections.abc import Mapping
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.commands import Command, CommandCall
from rekku.core.principal import Role
from rekku.core.turn import Turn
from tests.crash import death


class Deeds(AIPluginBase):
    """What it does goes into the trace."""

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            "mark": {"description": "Leave a mark.", "required_fields": ["number"]},
            "note": {"description": "Leave a note.", "required_fields": ["number"], "idempotent": True},
        }

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return {"payload": {"number": {"type": "integer", "description": "which"}}}

    async def handle_custom_action(self, action_type: str, payload: Mapping[str, Any]) -> str:
        death.point(f"{action_type} begins")
        death.note_on_disk(action_type, number=payload["number"])
        if action_type == "mark":
            death.point("mark half done")
            death.note_on_disk("marked", number=payload["number"])
        death.point(f"{action_type} done")
        return f"{action_type} {payload['number']}"

    def get_commands(self) -> list[Command]:
        return [Command("ring", "Ring a bell.", _ring, role=Role.KNOWN, usage="number")]

    async def on_turn_end(self, turn: Turn) -> None:
        death.point("hook begins")
        numbers = [int(message.text.split()[0]) for message in turn.messages]
        death.note_on_disk("hook", turn=turn.id, numbers=numbers, replies=list(turn.replies))
        death.point("hook done")


async def _ring(call: CommandCall) -> str:
    death.point("command begins")
    death.note_on_disk("ring", number=int(call.text))
    death.point("command done")
    return f"rang {call.text}"


PLUGIN_CLASS = Deeds
