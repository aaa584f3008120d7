"""The one registry of components. The tables of the document are views that it keeps up to date."""

import contextvars
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from rekku.core.actions import Action
from rekku.core.errors import PluginError
from rekku.core.members import Members
from rekku.core.settings import Setting

PLUGIN_REGISTRY: dict[str, Any] = {}
INTERFACE_REGISTRY: dict[str, Any] = {}
ACTIVE_INTERFACES: set[str] = set()
available_actions: dict[str, dict[str, Any]] = {}
action_instructions: dict[str, dict[str, Any]] = {}


class Kind(StrEnum):
    """What a component is."""

    PLUGIN = "plugin"
    ENGINE = "engine"
    INTERFACE = "interface"


@dataclass(eq=False, slots=True)
class Component:
    """One plugin, engine or interface that is in use. For an interface `name` is its interface id."""

    kind: Kind
    name: str
    members: Members
    actions: tuple[Action, ...] = ()
    reply_fields: dict[str, Any] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    file: Path | None = None
    builtin: bool = False

    @property
    def instance(self) -> Any:
        """The author's own object."""
        return self.members.instance


@dataclass(slots=True)
class Staged:
    """What files said about themselves while they were being built."""

    plugins: dict[str, Any] = field(default_factory=dict)
    interfaces: dict[str, Any] = field(default_factory=dict)
    announced: list[str] = field(default_factory=list)


_staging: contextvars.ContextVar[Staged | None] = contextvars.ContextVar("staging", default=None)


class Registry:
    """Components by kind and name; changes are whole, and listeners hear of each one."""

    def __init__(self) -> None:
        self._components: dict[tuple[Kind, str], Component] = {}
        self._listeners: list[Callable[[], None]] = []
        self._late: list[Callable[[Kind, str, Any], None]] = []

    def __iter__(self) -> Iterator[Component]:
        return iter(tuple(self._components.values()))

    def get(self, kind: Kind, name: str) -> Component | None:
        """The component of that kind and name."""
        return self._components.get((kind, name))

    def of(self, kind: Kind) -> list[Component]:
        """All components of one kind, in the order in which they came."""
        return [c for c in self._components.values() if c.kind is kind]

    def change(self, *, remove: Iterable[Component] = (), add: Iterable[Component] = ()) -> None:
        """Take some out and put others in, at once. Raises PluginError, and changes nothing, if two would clash."""
        components = dict(self._components)
        for gone in remove:
            if components.get((gone.kind, gone.name)) is gone:
                del components[gone.kind, gone.name]
        for new in add:
            other = components.get((new.kind, new.name))
            if other is not None:
                raise PluginError(f"the name {new.name!r} is taken: {new.file} and {other.file} both want it")
            components[new.kind, new.name] = new
        _check_actions(components.values())
        self._components = components
        self._show()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change; returns the undo."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_late(self, listener: Callable[[Kind, str, Any], None]) -> Callable[[], None]:
        """Call `listener` with what registers itself while no file is being built; returns the undo."""
        self._late.append(listener)
        return lambda: self._late.remove(listener)

    def record(self, kind: Kind, name: str, instance: Any) -> None:
        """What `register_plugin` and its twin do: remember who says what it is."""
        staged = _staging.get()
        if staged is None:
            for listener in tuple(self._late):
                listener(kind, name, instance)
            return
        names = staged.interfaces if kind is Kind.INTERFACE else staged.plugins
        other = names.get(name)
        if other is not None and type(other) is not type(instance):
            raise PluginError(f"{type(instance).__name__} and {type(other).__name__} both register as {name!r}")
        names[name] = instance

    def announce(self, name: str) -> None:
        """What `core_initializer.register_plugin(name)` does: remember the name."""
        staged = _staging.get()
        if staged is not None:
            staged.announced.append(name)

    @contextmanager
    def staging(self) -> Iterator[Staged]:
        """Collect what registers itself inside the block (and in threads that run in its context)."""
        staged = Staged()
        token = _staging.set(staged)
        try:
            yield staged
        finally:
            _staging.reset(token)

    def clear(self) -> None:
        """Forget everything, listeners too."""
        self._listeners.clear()
        self._late.clear()
        self._components = {}
        self._show()

    def _show(self) -> None:
        """Bring the tables of the document up to date, in place, then tell the listeners."""
        interfaces = {c.name: c.instance for c in self.of(Kind.INTERFACE)}
        others = (*self.of(Kind.PLUGIN), *self.of(Kind.ENGINE))
        _refill(PLUGIN_REGISTRY, {c.name: c.instance for c in others})
        _refill(INTERFACE_REGISTRY, interfaces)
        ACTIVE_INTERFACES.difference_update(ACTIVE_INTERFACES - interfaces.keys())
        ACTIVE_INTERFACES.update(interfaces)
        actions = [a for c in self for a in c.actions]
        _refill(available_actions, {a.name: _shown(a) for a in actions})
        _refill(action_instructions, {a.name: dict(a.instructions) for a in actions})
        for listener in tuple(self._listeners):
            listener()


def _shown(action: Action) -> dict[str, Any]:
    return {
        "description": action.description,
        "required_fields": list(action.required),
        "optional_fields": list(action.optional),
        "risk": action.risk.name.lower(),
    }


def _refill(table: dict[str, Any], content: dict[str, Any]) -> None:
    for gone in table.keys() - content.keys():
        del table[gone]
    table.update(content)


def _check_actions(components: Iterable[Component]) -> None:
    owners: dict[str, Component] = {}
    for component in components:
        for action in component.actions:
            other = owners.setdefault(action.name, component)
            if other is not component:
                raise PluginError(f"{component.file} and {other.file} both offer the action {action.name!r}")


registry = Registry()
