"""`rekku chat`: talk to Rekku here."""

import argparse
import asyncio
import sys

from rekku.cli_commands.ground import Ground, begin


def run(arguments: argparse.Namespace) -> int:
    """0 if all was answered, 1 if not."""
    ground = begin(arguments)
    ground.log_to(ground.log_file)
    return asyncio.run(_chat(ground, arguments.message))


async def _chat(ground: Ground, message: str | None) -> int:
    from rekku.chat.at_hand import at_hand

    async with at_hand(ground.home, ground.environ) as connection:
        if message is not None:
            from rekku.chat.once import say_once

            return await say_once(connection, message)
        if sys.stdin.isatty() and sys.stdout.isatty():
            from rekku.chat.terminal import talk

            return await talk(connection, ground.home)
        from rekku.chat.plain import read_lines

        return await read_lines(connection)
