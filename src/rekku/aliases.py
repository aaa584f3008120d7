"""Serves `core.*`, `plugins.*`, `llm_engines.*` and `interface.*` to drop-in files: the real name without `rekku.`.

Both names are one module object, so there is one registry. The application installs this at its start; importing
`rekku` never does.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, MutableSequence, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

COMPONENT_FOLDERS = ("plugins", "llm_engines", "interface")
SHORT_NAMES = frozenset({"core", *COMPONENT_FOLDERS})


def install() -> None:
    """Make the short names importable. Each call needs one `uninstall`."""
    sys.meta_path.insert(0, AliasFinder())


def uninstall() -> None:
    """Undo one `install`; after the last one the short names are gone."""
    finders = [finder for finder in sys.meta_path if isinstance(finder, AliasFinder)]
    if finders:
        sys.meta_path.remove(finders[0])
    if len(finders) <= 1:
        for name in [name for name in sys.modules if _is_short(name)]:
            if _is_ours(sys.modules[name]):
                del sys.modules[name]


def put_home_in_front(home: Path) -> Callable[[], None]:
    """Let modules be found under the home's component folders before the built-in ones; returns the undo."""
    added: list[tuple[MutableSequence[str], str]] = []
    for folder in COMPONENT_FOLDERS:
        path = importlib.import_module(f"rekku.{folder}").__path__
        path.insert(0, str(home / folder))
        added.append((path, str(home / folder)))
    importlib.invalidate_caches()

    def undo() -> None:
        for path, entry in added:
            if entry in path:
                path.remove(entry)
        added.clear()
        importlib.invalidate_caches()

    return undo


class AliasFinder:
    """Finds `plugins.x` as the module `rekku.plugins.x`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec that hands out the real module; ModuleNotFoundError under the short name if there is none."""
        if not _is_short(fullname):
            return None
        real = f"rekku.{fullname}"
        if real not in sys.modules and importlib.util.find_spec(real) is None:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return ModuleSpec(fullname, AliasLoader(real))


class AliasLoader(Loader):
    """Gives out a module that exists under its real name, untouched."""

    def __init__(self, real: str) -> None:
        self.real = real
        self.spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just written the short name's spec over the real one.
        module.__spec__ = self.spec


def _is_short(name: str) -> bool:
    return name.partition(".")[0] in SHORT_NAMES


def _is_ours(module: ModuleType) -> bool:
    return module.__name__.partition(".")[0] == "rekku"
