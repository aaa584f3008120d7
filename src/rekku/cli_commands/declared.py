"""All settings that there are, by component; and the texts that are made of them."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rekku.core.settings import Setting

if TYPE_CHECKING:
    from pathlib import Path

    from rekku.app import Rekku

HOUSE = "Rekku"
HEAD = """\
# Settings of Rekku. Copy what you need to REKKU_HOME/.env (default: ~/.rekku/.env); what is in the environment wins.
# Made from the declarations by `rekku config --env-example`.
"""

Declared = Mapping[str, tuple[Setting, ...]]
"""The settings by component, Rekku's own first."""


def of(rekku: "Rekku") -> Declared:
    """What Rekku itself and all its components declare, those included that are not configured."""
    from rekku.house_settings import SETTINGS

    found = {component.name: component.settings for component in rekku.registry}
    for report in rekku.loader.reports.values():
        if report.name not in found and report.state == "unconfigured":
            found[report.name] = _in_file(report.file)
    return {HOUSE: SETTINGS} | {name: settings for name, settings in sorted(found.items()) if settings}


def env_example(declared: Declared) -> str:
    """An example of a `.env`: every setting once, commented out, with its sentence and its default."""
    blocks = [HEAD]
    for component, settings in unique(declared).items():
        lines = [f"\n# --- {component} ---"]
        for setting in settings:
            needed = " Required." if setting.required else ""
            lines.append(f"\n# {setting.description}{needed} ({setting.expectation()})")
            lines.append(f"# {setting.name}={as_text(setting.default)}")
        blocks.append("\n".join(lines) + "\n")
    return "".join(blocks)


def markdown(declared: Declared) -> str:
    """The table for the docs."""
    lines = ["| Setting | Of | What it is | Value | Default |", "|---|---|---|---|---|"]
    for component, settings in unique(declared).items():
        for s in settings:
            default = "required" if s.required else f"`{as_text(s.default)}`" if as_text(s.default) else ""
            words = s.description.replace("|", "\\|")
            lines.append(f"| `{s.name}` | {component} | {words} | {s.expectation()} | {default} |")
    return "\n".join(lines) + "\n"


def unique(declared: Declared) -> Declared:
    """The same with each name only once, at the first that declares it."""
    seen: set[str] = set()
    result: dict[str, tuple[Setting, ...]] = {}
    for component, settings in declared.items():
        fresh = tuple(s for s in settings if s.name not in seen)
        seen.update(s.name for s in fresh)
        if fresh:
            result[component] = fresh
    return result


def as_text(value: Any) -> str:
    """A value as one would write it in `.env`."""
    match value:
        case None:
            return ""
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ",".join(map(str, value))
    return str(value)


def classes_in(file: "Path") -> list[Any]:
    """The classes that a file exposes which was imported, though perhaps not built."""
    for module in tuple(sys.modules.values()):
        if getattr(module, "__file__", None) == str(file):
            exposed = (vars(module).get(name) for name in ("PLUGIN_CLASS", "INTERFACE_CLASS"))
            return [cls for cls in exposed if cls is not None]
    return []


def _in_file(file: "Path") -> tuple[Setting, ...]:
    lists = [getattr(cls, "settings", ()) for cls in classes_in(file)]
    return tuple(setting for declared in lists for setting in declared if isinstance(setting, Setting))
