"""`rekku config`: all settings, their values, and where these come from."""

import argparse
import asyncio
import logging
import os

from rekku.cli_commands import declared
from rekku.cli_commands.ground import Ground, begin
from rekku.core.settings import Setting


def run(arguments: argparse.Namespace) -> int:
    """0; print the settings."""
    ground = begin(arguments)
    ground.log_to(None)
    logging.getLogger().setLevel(logging.CRITICAL)
    settings = asyncio.run(_declared(ground))
    if arguments.env_example:
        print(declared.env_example(settings), end="")
    elif arguments.markdown:
        print(declared.markdown(settings), end="")
    else:
        print(_listing(ground, settings))
    return 0


async def _declared(ground: Ground) -> declared.Declared:
    from rekku.app import running

    async with running(ground.home, ground.environ, start=False) as rekku:
        return declared.of(rekku)


def _listing(ground: Ground, settings: declared.Declared) -> str:
    lines: list[str] = [f"home: {ground.home}"]
    for component, of_it in settings.items():
        lines.append(f"\n{component}")
        width = max(len(setting.name) for setting in of_it)
        for setting in of_it:
            value, source = _value(setting, ground)
            lines.append(f"  {setting.name:<{width}}  {value}  ({source})  {setting.description}")
    return "\n".join(lines)


def _value(setting: Setting, ground: Ground) -> tuple[str, str]:
    """The value as it may be shown, and where it comes from."""
    text = ground.given.get(setting.name, "").strip()
    if not text:
        default = declared.as_text(setting.default)
        return ("not set", "required" if setting.required else "default") if not default else (default, "default")
    source = "environment" if os.environ.get(setting.name, "").strip() else ".env"
    if setting.secret:
        return "set", source
    return text, source
