"""Every component with what became of its file."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from rekku.core.errors import RekkuError
from rekku.core.house import Part
from rekku.core.registry import Component, Kind

if TYPE_CHECKING:
    from rekku.app import Rekku
    from rekku.loader.report import FileReport

log = logging.getLogger(__name__)

LIMIT = 5.0
"""Seconds that a component may take to say how it is."""
HIDDEN = "helper"


async def parts(rekku: "Rekku", clean: Callable[[str], str]) -> list[Part]:
    """All of them, by kind and name; those without a file (they registered themselves) at the end of their kind."""
    reports = [told for told in rekku.loader.reports.values() if told.state != HIDDEN]
    seen: set[int] = set()
    pairs: list[tuple[FileReport | None, Component | None]] = []
    for told in reports:
        components = [c for c in rekku.registry if c.file == told.file] if told.state != "replaced" else []
        seen.update(map(id, components))
        pairs += [(told, component) for component in components] or [(told, None)]
    pairs += [(None, component) for component in rekku.registry if id(component) not in seen]
    found = await asyncio.gather(*(_part(told, component, clean) for told, component in pairs))
    return sorted(found, key=lambda part: (part.kind, part.name, part.builtin))


def with_name(rekku: "Rekku", kind: str, name: str, *, off: bool = False) -> "FileReport":
    """The file that gave a component, or, with `off`, would give it. Raises RekkuError."""
    out = (HIDDEN, "replaced") if off else (HIDDEN, "replaced", "off")
    for told in rekku.loader.reports.values():
        if told.kind == kind and told.state not in out:
            names = {c.name for c in rekku.registry if c.file == told.file} | {told.name}
            if name in names:
                return told
    raise RekkuError(f"The {kind} {name!r} has no file that could be loaded again.")


async def models_of(engine: Component) -> tuple[str, tuple[str, ...]]:
    """The model that an engine uses by itself, and those that it lists; what it cannot say is empty."""
    model, models = "", tuple[str, ...]()
    try:
        model = str(await engine.members.call("get_current_model", limit=LIMIT) or "")
        models = tuple(sorted(str(name) for name in await engine.members.call("get_supported_models", limit=LIMIT)))
    except Exception as error:  # noqa: BLE001 - a door: an engine whose server is away has no list now
        log.debug("The models of %s could not be had: %r", engine.name, error)
    return model, models


async def _part(told: "FileReport | None", component: Component | None, clean: Callable[[str], str]) -> Part:
    kind: Kind = component.kind if component else told.kind  # type: ignore[union-attr] # one of both is there
    name: str = component.name if component else told.name  # type: ignore[union-attr]
    return Part(
        kind=kind.value,
        name=name,
        state=told.state if told else "loaded",
        file=str(told.file) if told else "",
        builtin=told.builtin if told else False,
        reason=clean(told.reason) if told else "",
        traceback=clean(told.traceback) if told else "",
        health=clean(await _health(component)) if component else "",
        actions=component.actions if component else (),
        settings=tuple(setting.name for setting in component.settings) if component else (),
    )


async def _health(component: Component) -> str:
    if not component.members.has("health"):
        return ""
    try:
        return str(await component.members.call("health", limit=LIMIT))
    except Exception as error:  # noqa: BLE001 - a door: its own code tells how it is
        return f"cannot say how it is ({type(error).__name__})"
