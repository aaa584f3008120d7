"""Which files should be in use, and which of them a change concerns."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path

from rekku.core.registry import Kind
from rekku.loader import imports
from rekku.loader.files import ELSEWHERE, PREFIXES, Listing, Source


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that should be in use; an engine may have been given a name by `register_engine_module`."""

    source: Source
    engine: str = ""

    @property
    def key(self) -> str:
        """What it is known by, whichever of two files stands in front."""
        return f"{self.source.module} as {self.engine}" if self.engine else self.source.module


def real_name(dotted: str) -> str:
    """The module's real name: `llm_engines.x` is `rekku.llm_engines.x`; others are as they are."""
    real = f"rekku.{dotted}"
    return real if real.startswith(PREFIXES) else dotted


def named_engine(listing: Listing, name: str, dotted: str) -> Wanted:
    """The engine that was registered as `name`, in a module of a component folder or of a library."""
    real = real_name(dotted)
    source = listing.sources.get(real)
    if source is None:
        source = Source(real, Path(dotted), Kind.ENGINE, builtin=False, component=True, stamp=ELSEWHERE)
    return Wanted(replace(source, kind=Kind.ENGINE), name)


def touched(listing: Listing, wanted: Mapping[str, Wanted], changed: Set[str], again: Set[str]) -> list[Wanted]:
    """What imports something that has changed, and what is in `again`; those that others import come first."""
    found = [
        one for key, one in wanted.items() if key in again or not changed.isdisjoint(listing.uses(one.source.module))
    ]
    return sorted(found, key=lambda one: len(listing.uses(one.source.module)))


def outdated(listing: Listing, wanted: Wanted, others: Iterable[Wanted], *, loaded: bool) -> set[str]:
    """The modules that a new version must not find: its own, its private helpers, and whatever has changed."""
    elsewhere = [other.source.module for other in others if other.key != wanted.key]
    theirs = {part for other in elsewhere for part in listing.parts(other)}
    used_elsewhere = {name for other in elsewhere for name in listing.uses(other)}
    helpers = listing.uses(wanted.source.module) - theirs
    found = set()
    for name, module in imports.modules_in_use().items():
        source = listing.sources.get(name)
        if source is None and getattr(module, "__file__", None) is None:
            continue  # a folder without an `__init__.py`
        current = source is not None and imports.is_current(module, source)
        if is_part(name, wanted.source.module):
            if loaded or not current:
                found.add(name)
        elif name in helpers and (not current or name not in used_elsewhere):
            found.add(name)
    return found


def orphans(listing: Listing, wanted: Iterable[Wanted], gone: Source) -> set[str]:
    """The modules that nobody needs once a file is gone: its own, and helpers that only it imported."""
    used = {name for one in wanted for name in listing.uses(one.source.module)}
    helpers = listing.uses(gone.module) - used
    return {name for name in imports.modules_in_use() if is_part(name, gone.module) or name in helpers}


def is_part(name: str, module: str) -> bool:
    """Whether a name is a module's own or that of a submodule."""
    return name == module or name.startswith(f"{module}.")
