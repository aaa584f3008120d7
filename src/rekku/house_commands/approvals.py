"""Commands that answer what Rekku asks before it does something dangerous: /approve, /deny."""

from rekku.chain.road import Road
from rekku.core.commands import Command, CommandCall


def approval_commands(road: Road) -> list[Command]:
    """The commands of this file."""

    async def approve(call: CommandCall) -> str:
        return f"Approved, once: {road.approvals.answer(call.message.conversation, call.text, True)}."

    async def deny(call: CommandCall) -> str:
        return f"Denied: {road.approvals.answer(call.message.conversation, call.text, False)}."

    return [
        Command("approve", "Say yes to what I asked.", approve, usage="[CODE]"),
        Command("deny", "Say no to what I asked.", deny, usage="[CODE]"),
    ]
