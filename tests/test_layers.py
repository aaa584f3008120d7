"""Who may import whom. Imports inside functions, under TYPE_CHECKING and by `import_module` count too."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "rekku"

LAYERS = {
    "contract": {"core"},
    "shared": {"platforms"},
    "ground": {"store", "aliases", "lifecycle"},
    "host": {"loader", "commands"},
    "road": {"chain"},
    "whole": {
        "app",
        "chat",
        "cli",
        "cli_commands",
        "home",
        "home_watch",
        "hosting",
        "house",
        "house_commands",
        "house_settings",
        "housekeeping",
        "logs",
        "menus",
        "redaction",
        "scripting",
        "testing",
        "__main__",
    },
    "edge": {"plugins", "llm_engines", "interface"},
}
MAY_IMPORT = {
    "contract": set[str](),
    "shared": {"core"},
    "ground": {"core"},
    "host": {"core", "store", "lifecycle"},
    "road": {"core", "store", "lifecycle"},
    "whole": LAYERS["contract"]
    | LAYERS["shared"]
    | LAYERS["ground"]
    | LAYERS["host"]
    | LAYERS["road"]
    | LAYERS["whole"],
    "edge": {"core", "platforms"},
}
"""Beside itself: a module, or a folder, may always use its own parts."""

LIBRARIES_OF_CORE = {"sqlalchemy"}
PRIVATE_OF_EDGE = "_"

LAYER_OF = {module: layer for layer, modules in LAYERS.items() for module in modules}
FILES = sorted(SOURCE.rglob("*.py"))


def module_of(file: Path) -> str:
    """`rekku.core.turn` for `core/turn.py`."""
    parts = ("rekku", *file.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path) -> Iterator[tuple[int, str]]:
    """The names of the modules that a file imports, with the lines."""
    package = module_of(file) if file.name == "__init__.py" else module_of(file).rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                steps = package.split(".")
                base = ".".join(steps[: len(steps) - level + 1]) if level else ""
                base = ".".join(part for part in (base, module or "") if part)
                yield from ((node.lineno, _module(base, alias.name)) for alias in names)
            case ast.Call(func=ast.Name(id="__import__" | "import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield node.lineno, name


def _module(base: str, name: str) -> str:
    """`from rekku import home` imports a module, `from rekku.core.turn import Turn` a name out of one."""
    path = SOURCE.parent.joinpath(*base.split("."), name)
    return f"{base}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else base


def part_of(module: str) -> str:
    """The entry of the table that a module belongs to: `core` for `rekku.core.turn`; "" for `rekku` itself."""
    return module.split(".")[1] if module.startswith("rekku.") else ""


def violation(file: Path, name: str) -> str:
    """What is wrong with an import; "" if nothing is."""
    own = part_of(module_of(file))
    layer = LAYER_OF.get(own, "whole")
    top = name.partition(".")[0]
    if top != "rekku":
        if layer == "contract" and top not in sys.stdlib_module_names | LIBRARIES_OF_CORE:
            return "core stands on the standard library and SQLAlchemy alone"
        return ""
    other = part_of(name)
    if not other:
        return ""  # the version number
    if LAYER_OF.get(other) == "edge":
        return "" if layer == "edge" and _is_own_private(file, name) else "nobody imports the edge by name"
    if other == own or other in MAY_IMPORT[layer]:
        return ""
    return f"the layer {layer} does not know {other}"


def _is_own_private(file: Path, name: str) -> bool:
    """Whether an edge file imports from its own private folder, or from the component that it is a part of."""
    _, folder, own, *_ = module_of(file).split(".")
    steps = name.split(".")
    if steps[1] != folder or len(steps) < 3:
        return False
    is_folder = (SOURCE / folder / own / "__init__.py").is_file()
    return steps[2].startswith(PRIVATE_OF_EDGE) or (steps[2] == own and is_folder)


def test_every_module_has_a_layer() -> None:
    found = {part_of(module_of(file)) for file in FILES} - {""}
    assert found == set(LAYER_OF), "the table of layers must name every module under src/rekku, and no other"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_it_may(layer: str) -> None:
    files = [file for file in FILES if LAYER_OF.get(part_of(module_of(file)), "whole") == layer]
    wrong = [
        f"{file.relative_to(SOURCE)}:{line}: imports {name}: {why}"
        for file in files
        for line, name in imported(file)
        if (why := violation(file, name))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_private_folder_has_one_owner() -> None:
    owners: dict[str, set[str]] = {}
    for file in FILES:
        if LAYER_OF.get(part_of(module_of(file))) != "edge":
            continue
        component = module_of(file).split(".")[2:3]
        for _, name in imported(file):
            steps = name.split(".")
            if steps[0] == "rekku" and part_of(name) in LAYERS["edge"] and steps[2] != component[0]:
                owners.setdefault(".".join(steps[:3]), set()).update(component)
    assert all(len(who) == 1 for who in owners.values()), f"shared private folders: {owners}"


def test_the_table_would_notice() -> None:
    road, core, plugin = (SOURCE / name for name in ("chain/road.py", "core/turn.py", "plugins/time_plugin.py"))
    assert violation(road, "rekku.app")
    assert violation(road, "rekku.plugins.time_plugin")
    assert violation(core, "rekku.store.ids")
    assert violation(core, "aiohttp")
    assert violation(plugin, "rekku.chain.road")
    assert violation(plugin, "rekku.plugins.message_plugin")
    assert not violation(plugin, "rekku.plugins._time.zones")
    assert not violation(plugin, "rekku.core.turn")
