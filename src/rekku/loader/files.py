"""Finds the files of components, and what they import from each other."""

import ast
import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rekku.core.registry import Kind

log = logging.getLogger(__name__)

KINDS = {"plugins": Kind.PLUGIN, "llm_engines": Kind.ENGINE, "interface": Kind.INTERFACE}
"""The component folders, in the order in which they load, and what is in them."""

PREFIXES = tuple(f"rekku.{folder}." for folder in KINDS)

ELSEWHERE = (0, 0)


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file under a component folder; for a package its `__init__.py`.

    `component` is False for what is private (`_x`) or inside a package. `stamp` is (mtime in ns, size).
    """

    module: str
    file: Path
    kind: Kind
    builtin: bool
    component: bool
    stamp: tuple[int, int]

    @property
    def is_package(self) -> bool:
        """Whether it is a folder with an `__init__.py`."""
        return self.file.name == "__init__.py"

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is a module that was not found in a component folder; `file` is its dotted name then."""
        return self.stamp == ELSEWHERE

    @property
    def name(self) -> str:
        """The file's name without `.py`, or the package's folder's."""
        return self.file.parent.name if self.is_package else self.file.stem


@dataclass(slots=True)
class Listing:
    """What is in the component folders right now, by module name."""

    sources: dict[str, Source] = field(default_factory=dict)
    shadowed: list[tuple[Source, Source]] = field(default_factory=list)
    """Components that are not used, each with the file that stands in front of it."""
    _uses: dict[str, frozenset[str]] = field(default_factory=dict)

    def components(self) -> list[Source]:
        """Built-in ones first, so that a drop-in that clashes with one is the one refused."""
        found = [source for source in self.sources.values() if source.component]
        return sorted(found, key=lambda source: not source.builtin)

    def parts(self, module: str) -> set[str]:
        """A module and its submodules."""
        return {name for name in self.sources if name == module or name.startswith(f"{module}.")}

    def uses(self, module: str) -> frozenset[str]:
        """The names that a component is made of or imports, at any remove; not all of them need be modules."""
        if module not in self._uses:
            found: set[str] = set()
            waiting = self.parts(module) | {module}
            while waiting:
                name = waiting.pop()
                found.add(name)
                if name in self.sources:
                    waiting |= imported(self.sources[name]) - found
            self._uses[module] = frozenset(found)
        return self._uses[module]


def scan(home: Path, builtin: Path) -> Listing:
    """All Python files of both places, at any depth; what is in the home stands in front."""
    listing = Listing()
    for root, is_builtin in ((home, False), (builtin, True)):
        for folder, kind in KINDS.items():
            for source in _walk(root / folder, f"rekku.{folder}", kind, is_builtin, component=True):
                other = listing.sources.setdefault(source.module, source)
                if other is not source and source.component:
                    listing.shadowed.append((source, other))
    return listing


def _walk(folder: Path, module: str, kind: Kind, builtin: bool, *, component: bool) -> Iterator[Source]:
    for entry in _entries(folder):
        open_ = component and not entry.name.startswith("_")
        name = f"{module}.{entry.name}"
        if entry.is_dir():
            package = entry / "__init__.py"
            if package.is_file():
                yield from _source(package, name, kind, builtin, open_)
            yield from _walk(entry, name, kind, builtin, component=open_ and not package.is_file())
        elif entry.suffix == ".py" and entry.name != "__init__.py":
            yield from _source(entry, name.removesuffix(".py"), kind, builtin, open_)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, folders first: as in Python, a package stands before a file of the same name."""
    try:
        entries = [e for e in folder.iterdir() if e.name != "__pycache__" and not e.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("The folder %s cannot be read (%s); what is in it is not loaded.", folder, error.strerror)
        return []
    inside = {folder.resolve(), *folder.resolve().parents}
    entries = [e for e in entries if not (e.is_symlink() and e.resolve() in inside)]
    return sorted(entries, key=lambda e: (not e.is_dir(), e.name))


def _source(file: Path, module: str, kind: Kind, builtin: bool, component: bool) -> Iterator[Source]:
    try:
        status = file.stat()
    except OSError:
        return  # deleted since it was listed, or a link to nowhere
    yield Source(module, file, kind, builtin, component, (status.st_mtime_ns, status.st_size))


@functools.lru_cache(maxsize=1024)
def imported(source: Source) -> frozenset[str]:
    """The real names of the modules under component folders that a file may import, wherever in it."""
    package = source.module if source.is_package else source.module.rpartition(".")[0]
    try:
        tree = ast.parse(source.file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return frozenset(part for name in names for part in _with_parents(_real(name)))


def _base(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _real(name: str) -> str:
    return f"rekku.{name}" if name.partition(".")[0] in KINDS else name


def _with_parents(name: str) -> Iterator[str]:
    while name.startswith(PREFIXES):
        yield name
        name = name.rpartition(".")[0]
