"""All settings that there are, by component; and the texts that are made of them."""

import importlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekku.core.settings import Setting

if TYPE_CHECKING:
    from rekku.app import Rekku

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parent.parent
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
            found[report.name] = _in_file(report.file, rekku.home)
    return {HOUSE: SETTINGS} | {name: settings for name, settings in sorted(found.items()) if settings}


def env_example(declared: Declared) -> str:
    """An example of a `.env`: every setting once, commented out, with its sentence and its default."""
    blocks = [HEAD]
    for component, settings in unique(declared).items():
        lines = [f"\n# --- {component} ---"]
        for setting in settings:
            needed = " Required." if setting.required else ""
            kind = "" if setting.expectation() == "a text" else f" ({setting.expectation()})"
            lines.append(f"\n# {setting.description}{needed}{kind}")
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


def classes_in(file: Path, home: Path) -> list[Any]:
    """The classes that a component's file exposes, though perhaps none was built; for use while Rekku is there.

    What is not configured was imported and forgotten again, so it is imported once more.
    """
    root = home if file.is_relative_to(home) else PACKAGE
    parts = file.relative_to(root).with_suffix("").parts
    name = ".".join(("rekku", *(parts[:-1] if parts[-1] == "__init__" else parts)))
    try:
        module = importlib.import_module(name)
    except Exception:  # a door: the author's own code
        log.exception("%s cannot be imported to see what it declares.", file)
        return []
    exposed = (vars(module).get(name) for name in ("PLUGIN_CLASS", "INTERFACE_CLASS"))
    return [cls for cls in exposed if cls is not None]


def _in_file(file: Path, home: Path) -> tuple[Setting, ...]:
    lists = [getattr(cls, "settings", ()) for cls in classes_in(file, home)]
    return tuple(setting for declared in lists for setting in declared if isinstance(setting, Setting))
