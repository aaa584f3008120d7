"""`rekku actions`: what Rekku can do."""

import argparse
import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from rekku.cli_commands.ground import Ground, begin


def run(arguments: argparse.Namespace) -> int:
    """0; print the actions of all components that load."""
    ground = begin(arguments)
    ground.log_to(None)
    logging.getLogger().setLevel(logging.ERROR)
    actions = asyncio.run(_actions(ground))
    if arguments.json:
        print(json.dumps(actions, ensure_ascii=False, indent=2, default=str))
    else:
        print(_table(actions))
    return 0


async def _actions(ground: Ground) -> dict[str, dict[str, Any]]:
    from rekku.app import running

    async with running(ground.home, ground.environ, start=False) as rekku:
        return {
            action.name: {
                "description": action.description,
                "required_fields": list(action.required),
                "optional_fields": list(action.optional),
                "risk": action.risk.name.lower(),
                "component": component.name,
                "instructions": dict(action.instructions),
            }
            for component in sorted(rekku.registry, key=lambda c: c.name)
            for action in component.actions
        }


def _table(actions: Mapping[str, Mapping[str, Any]]) -> str:
    if not actions:
        return "No component offers an action."
    width = max(map(len, actions))
    return "\n".join(f"{name:<{width}}  {_fields(action)}  {action['description']}" for name, action in actions.items())


def _fields(action: Mapping[str, Any]) -> str:
    names = [*action["required_fields"], *(f"[{name}]" for name in action["optional_fields"])]
    return f"({', '.join(names)})" + ("" if action["risk"] == "low" else f" {action['risk']} risk")
