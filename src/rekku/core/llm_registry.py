"""Engines that live in a module of their own, known by a dotted path and imported when first needed.

get_llm_registry().register_engine_module("my_engine", "llm_engines._mine.engine")
"""

from collections.abc import Callable


class LLMRegistry:
    """Names and dotted paths of engine modules. Each module exposes `PLUGIN_CLASS`."""

    def __init__(self) -> None:
        self.modules: dict[str, str] = {}
        self._listeners: list[Callable[[str, str], None]] = []

    def register_engine_module(self, name: str, dotted_path: str) -> None:
        """Make the engine in `dotted_path` available as `name`. The same name again replaces it."""
        self.modules[name] = dotted_path
        for listener in tuple(self._listeners):
            listener(name, dotted_path)

    def on_register(self, listener: Callable[[str, str], None]) -> Callable[[], None]:
        """Call `listener(name, dotted_path)` at each registration; returns the undo."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def clear(self) -> None:
        """Forget everything."""
        self.modules.clear()
        self._listeners.clear()


_registry = LLMRegistry()


def get_llm_registry() -> LLMRegistry:
    """The one registry of engine modules."""
    return _registry
