"""Two entries of the People page become one, and an account is taken off one."""

from collections.abc import Sequence
from typing import Any

from rekku.interface.webui import requests
from rekku.interface.webui.panels import people
from rekku.interface.webui.requests import Ask, Problem

MOST_ACCOUNTS = 1000


async def join(ask: Ask) -> Any:
    """Make two people one, or, without `sure`, only say what that means."""
    content = await ask.told()
    gone, kept = requests.text_of(content, "gone", 200), requests.text_of(content, "kept", 200)
    sure = content.get("sure") is True
    plan = await ask.house.join(gone, kept, sure=sure, trusts=_texts(content.get("trusts", [])))
    return {
        "gone": plan.gone,
        "kept": plan.kept,
        "name": plan.name,
        "role": plan.role.word,
        "accounts": plan.accounts,
        "counts": dict(plan.counts),
        "full_rights": plan.full_rights,
        "people": await people(ask) if sure else None,
    }


async def part(ask: Ask) -> Any:
    """Take an account off its person."""
    content = await ask.told()
    await ask.house.part(requests.text_of(content, "interface", 255), requests.text_of(content, "id", 255))
    return await people(ask)


def _texts(given: object) -> Sequence[str]:
    if not isinstance(given, list) or len(given) > MOST_ACCOUNTS or not all(isinstance(one, str) for one in given):
        raise Problem("trusts must be a list of accounts.")
    return given
