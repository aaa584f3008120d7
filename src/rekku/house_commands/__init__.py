"""Rekku's own slash commands. Components add theirs with `get_commands`."""

from rekku.chain.road import Road
from rekku.commands import Commands
from rekku.core.commands import Command
from rekku.house_commands.approvals import approval_commands
from rekku.house_commands.linking import Linking
from rekku.house_commands.people import people_commands
from rekku.house_commands.talk import talk_commands
from rekku.house_commands.thinking import thinking_commands

__all__ = ["house_commands"]


def house_commands(road: Road, commands: Commands) -> list[Command]:
    """All of them, ready to be added."""
    return [
        *talk_commands(road, commands),
        *thinking_commands(road),
        *people_commands(road),
        *Linking(road).commands(),
        *approval_commands(road),
    ]
