"""Imports the modules of components, sets them aside for a reload, and puts them back if it fails.

While Rekku runs, modules are compiled from their source each time: a bytecode file counts as up to date if the
source has the same size and was changed in the same second, which is what happens when somebody edits a plugin.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from rekku.core.errors import PluginError
from rekku.loader.files import KINDS, PREFIXES, Source

Modules = Mapping[str, ModuleType]


class FreshLoader(SourceFileLoader):
    """Compiles the source as it is now; reads and writes no bytecode."""

    def get_code(self, fullname: str) -> CodeType:
        """The compiled source."""
        return self.source_to_code(self.get_data(self.path), self.path)


class SourceFinder:
    """Finds the modules under the component folders and remembers which version of its file each one is."""

    def __init__(self, builtin: Path) -> None:
        self._builtin = str(builtin) + os.sep
        self.live = False
        """Whether built-in modules too are compiled from source; at the start their bytecode files are good."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Like the ordinary finder."""
        if not fullname.startswith(PREFIXES):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader):
            return spec
        if self.live or not spec.origin.startswith(self._builtin):
            spec.loader = FreshLoader(fullname, spec.origin)
            spec.cached = None
        spec.loader_state = _stamp(spec.origin)
        return spec


def import_source(source: Source) -> ModuleType:
    """The module of a component's file: the one that is there, else a new one. Blocks; raises whatever it raises.

    The import system's lock on the module is not taken, so one that hangs can be tried again when it is mended.
    """
    if source.is_elsewhere:
        return importlib.import_module(source.module)
    if "." in source.name:
        raise PluginError(f"rename {source.file}: a module's name cannot have a dot in it")
    existing = sys.modules.get(source.module)
    if existing is not None and is_from(existing, source.file):
        return existing
    return _execute(source)


def _execute(source: Source) -> ModuleType:
    parent, _, leaf = source.module.rpartition(".")
    importlib.import_module(parent)
    loader = _loader(source)
    inside = [str(source.file.parent)] if source.is_package else None
    spec = spec_from_file_location(source.module, source.file, loader=loader, submodule_search_locations=inside)
    if spec is None:
        raise PluginError(f"{source.file} cannot be imported")
    spec.loader_state = source.stamp
    module = module_from_spec(spec)
    sys.modules[source.module] = module
    try:
        loader.exec_module(module)
    except BaseException:
        if sys.modules.get(source.module) is module:
            del sys.modules[source.module]
        raise
    if sys.modules.get(source.module) is module:
        setattr(sys.modules[parent], leaf, module)
    return module


def _loader(source: Source) -> SourceFileLoader:
    live = any(isinstance(finder, SourceFinder) and finder.live for finder in sys.meta_path)
    kind = SourceFileLoader if source.builtin and not live else FreshLoader
    return kind(source.module, str(source.file))


def contained(function: Callable[..., Any], *args: Any) -> Any:
    """Call it; what is not an Exception (an exit, a cancellation) becomes a PluginError."""
    try:
        return function(*args)
    except Exception:
        raise
    except BaseException as error:
        word = "tried to end the process" if isinstance(error, SystemExit) else "raised"
        raise PluginError(f"{word} ({type(error).__name__}{f': {error}' if str(error) else ''})") from error


def is_from(module: ModuleType, file: Path) -> bool:
    """Whether a module was made from that file."""
    known = getattr(module, "__file__", None)
    return known is not None and (known == str(file) or os.path.realpath(known) == os.path.realpath(file))


def is_current(module: ModuleType, source: Source) -> bool:
    """Whether a module is that version of that file; one that was imported before Rekku looked counts as current."""
    state = module.__spec__.loader_state if module.__spec__ is not None else None
    return is_from(module, source.file) and state in (None, source.stamp)


def modules_in_use() -> dict[str, ModuleType]:
    """All modules under the component folders, by real name."""
    return {name: module for name, module in sys.modules.copy().items() if name.startswith(PREFIXES)}


def set_aside(names: Iterable[str]) -> None:
    """Forget modules, so that the next import makes new ones."""
    for name in names:
        module = sys.modules.pop(name, None)
        sys.modules.pop(name.removeprefix("rekku."), None)
        parent, _, leaf = name.rpartition(".")
        if module is not None and vars(sys.modules.get(parent, module)).get(leaf) is module:
            delattr(sys.modules[parent], leaf)


def put_back(before: Modules) -> None:
    """Undo every change of modules under the component folders since `before = modules_in_use()`."""
    now = modules_in_use()
    set_aside(name for name in now if before.get(name) is not now[name])
    for name, module in before.items():
        if now.get(name) is not module:
            sys.modules[name] = module
            parent, _, leaf = name.rpartition(".")
            if parent in sys.modules:
                setattr(sys.modules[parent], leaf, module)


def forget_strangers(sources: Mapping[str, Source]) -> None:
    """Forget modules that another home left behind under a name that now means another file."""
    for name, module in modules_in_use().items():
        if name in sources and not is_from(module, sources[name].file):
            set_aside([name])


def forget_home(home: Path) -> None:
    """Forget all modules whose files are in the home's component folders."""
    roots = tuple(str(home / folder) + os.sep for folder in KINDS)
    set_aside([name for name, module in modules_in_use().items() if _lies_in(module, roots)])


def _lies_in(module: ModuleType, roots: tuple[str, ...]) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if file else list(getattr(module, "__path__", ()))
    return any((place + os.sep).startswith(roots) for place in places)


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
