"""What the owner looks at and changes: components, engines, settings, people, what led to a reply."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rekku.core.actions import Action
from rekku.core.errors import ActionError
from rekku.core.house import Part, Value
from rekku.core.message import Conversation
from rekku.core.principal import Role
from rekku.interface.webui import requests
from rekku.interface.webui.context import INTERFACE, OWNER_ID
from rekku.interface.webui.requests import Ask, Problem

MOST_DAYS = 90
MOST_TALKS = 30
LONGEST_VALUE = 8000


async def condition(ask: Ask) -> Any:
    """How Rekku is."""
    return {**asdict(await ask.house.condition()), "pages": len(ask.context.hub)}


async def components(ask: Ask) -> Any:
    """Every component with its actions, and the engines."""
    house = ask.house
    return {
        "parts": [_part(part) for part in await house.parts()],
        "engines": [asdict(engine) for engine in await house.engines()],
    }


async def reload(ask: Ask) -> Any:
    """Load a component's file again."""
    content = await ask.told()
    kind, name = requests.text_of(content, "kind", 20), requests.text_of(content, "name", 200)
    return _part(await ask.house.reload(kind, name))


async def switch(ask: Ask) -> Any:
    """Take a component out of use, or put it back; not the page itself, which could not put itself back."""
    content = await ask.told()
    kind, name = requests.text_of(content, "kind", 20), requests.text_of(content, "name", 200)
    if name == INTERFACE:
        raise Problem("The page cannot switch itself off; WEBUI=off in the settings does.", 409)
    return _part(await ask.house.switch(kind, name, content.get("on") is True))


async def choose_engine(ask: Ask) -> Any:
    """Think with another engine or model."""
    content = await ask.told()
    await ask.house.choose_engine(requests.text_of(content, "name", 200), requests.text_of(content, "model", 200))
    return [asdict(engine) for engine in await ask.house.engines()]


async def talks(ask: Ask) -> Any:
    """The conversations that were last active."""
    return [
        {"chat": str(t.where), "name": t.name, "at": t.active_at.isoformat(), "taken": t.taken, **asdict(t.where)}
        for t in await ask.house.talks(MOST_TALKS)
    ]


async def take_over(ask: Ask) -> Any:
    """Answer a conversation by hand, or no longer."""
    content = await ask.told()
    where = Conversation(*(requests.text_of(content, name, 255) for name in ("interface", "chat_id", "thread_id")))
    await ask.house.take_over(where, content.get("taken") is True)
    return await talks(ask)


async def settings(ask: Ask) -> Any:
    """All settings; of secrets only whether they are set."""
    return [_value(value) for value in await ask.house.values()]


async def change_settings(ask: Ask) -> Any:
    """Write settings."""
    content = await ask.told()
    changes = content.get("changes")
    if not isinstance(changes, dict) or not all(
        isinstance(text, str) and len(text) <= LONGEST_VALUE for text in changes.values()
    ):
        raise Problem("changes must be an object of texts.")
    await ask.house.set_values(changes)
    return [_value(value) for value in await ask.house.values()]


async def because(ask: Ask) -> Any:
    """What led to a reply in the owner's chat."""
    where = Conversation(INTERFACE, ask.session.user_id)
    found = await ask.house.because(where, ask.request.path_params["message_id"])
    if found is None:
        raise Problem("No model was asked for this, or it is too long ago.", 404)
    deeds = [
        {"action": d.action, "payload": d.payload, "status": d.status, "output": d.output, "problems": d.problems}
        for d in found.deeds
    ]
    return {
        "turn": str(found.turn_id),
        "engine": found.engine,
        "model": found.model,
        "prompt_tokens": found.prompt_tokens,
        "completion_tokens": found.completion_tokens,
        "seconds": found.seconds,
        "cost": found.cost,
        "history": found.history,
        "facts": found.facts,
        "deeds": deeds,
    }


async def people(ask: Ask) -> Any:
    """Everybody whom Rekku has met."""
    found = await ask.context.host.people()
    return [
        {
            "id": person.person_id,
            "name": person.name,
            "role": person.role.word,
            "accounts": [
                {"interface": a.interface, "id": a.user.id, "name": a.user.name, "tag": a.user.tag}
                for a in person.accounts
            ],
        }
        for person in sorted(found, key=lambda person: (-person.role, person.name.casefold()))
    ]


async def set_role(ask: Ask) -> Any:
    """Make a person known, unknown or blocked."""
    content = await ask.told()
    word = requests.text_of(content, "role", 20)
    if word not in ("known", "unknown", "blocked"):
        raise Problem("role must be known, unknown or blocked.")
    await ask.house.set_role(requests.text_of(content, "id", 200), Role[word.upper()])
    return await people(ask)


async def forget(ask: Ask) -> Any:
    """Erase a person, or only count what is kept."""
    content = await ask.told()
    dry_run = content.get("sure") is not True
    counts = await ask.house.forget(requests.text_of(content, "id", 200), dry_run)
    return {"counts": dict(counts), "erased": not dry_run}


async def usage(ask: Ask) -> Any:
    """What the last days saw."""
    text = ask.request.query_params.get("days", "30")
    days = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 30
    return [asdict(day) for day in await ask.house.usage(min(MOST_DAYS, max(1, days)))]


async def plugin(ask: Ask) -> Any:
    """Have a plugin show or do something."""
    given = {**await ask.told(), "here": f"{INTERFACE}:{OWNER_ID}"}
    try:
        return await ask.house.panel(ask.request.path_params["name"], ask.request.path_params["deed"], given)
    except ActionError as error:
        raise Problem(str(error).replace("payload.", ""), 409) from None


def _part(part: Part) -> Mapping[str, Any]:
    return {
        "kind": part.kind,
        "name": part.name,
        "state": part.state,
        "file": part.file,
        "builtin": part.builtin,
        "reason": part.reason,
        "traceback": part.traceback,
        "health": part.health,
        "settings": part.settings,
        "actions": [_action(action) for action in part.actions],
    }


def _action(action: Action) -> Mapping[str, Any]:
    fields = [
        {
            "name": field.name,
            "description": field.description,
            "types": field.types,
            "required": field.required,
            "enum": field.enum,
            "example": field.example,
        }
        for field in action.fields
    ]
    risk = action.risk.name.lower()
    return {"name": action.name, "description": action.description, "risk": risk, "fields": fields}


def _value(value: Value) -> Mapping[str, Any]:
    setting = value.setting
    return {
        "name": setting.name,
        "component": value.component,
        "description": setting.description,
        "kind": setting.kind.__name__,
        "expects": setting.expectation(),
        "choices": setting.choices,
        "required": setting.required,
        "secret": setting.secret,
        "text": value.text,
        "set": value.is_set,
        "source": value.source,
    }
