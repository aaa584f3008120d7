"""The names under which drop-in files register themselves, and the live tables.

    register_plugin("myplugin", self)
    core_initializer.register_plugin("myplugin")

Both only record, in any order; actions are asked for once the file is built.
"""

from typing import Any

from rekku.core.registry import (
    ACTIVE_INTERFACES,
    INTERFACE_REGISTRY,
    PLUGIN_REGISTRY,
    Kind,
    action_instructions,
    available_actions,
    registry,
)

__all__ = [
    "ACTIVE_INTERFACES",
    "INTERFACE_REGISTRY",
    "PLUGIN_REGISTRY",
    "action_instructions",
    "available_actions",
    "core_initializer",
    "register_interface",
    "register_plugin",
]


def register_plugin(name: str, plugin: Any) -> None:
    """Register a plugin object under a name."""
    registry.record(Kind.PLUGIN, name, plugin)


def register_interface(name: str, interface: Any) -> None:
    """Register an interface object under its interface id."""
    registry.record(Kind.INTERFACE, name, interface)


class CoreInitializer:
    """Where a component announces its name."""

    def register_plugin(self, name: str) -> None:
        """Announce a plugin by name."""
        registry.announce(name)

    def register_interface(self, name: str) -> None:
        """Announce an interface by name."""
        registry.announce(name)


core_initializer = CoreInitializer()
