"""Settings: each declared once, read once, told to its component as a value.

One declaration is the source of what is read, of `rekku config`, `.env.example` and the table in the docs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rekku.core.errors import ConfigError

YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in the environment, its type and one sentence about it.

    `kind` is str, int, float, bool or list (of strings, separated by commas). A component whose `required`
    settings are not all set does not load; `rekku doctor` says which are missing. A `secret` is never shown.
    `pattern` is a regular expression that the text, or each of a list, must match as a whole; then
    give a `like`, a text that does.
    """

    name: str
    description: str
    kind: type = str
    default: Any = None
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    like: str = ""

    def parse(self, text: str, source: str = "the environment") -> Any:
        """The value that `text` means. Raises ConfigError, which never repeats a secret."""
        try:
            value = self._convert(text.strip())
        except ValueError:
            shown = "not" if self.secret else f"not {text.strip()!r}:"
            raise ConfigError(f"{self.name} in {source} is {shown} {self.expectation()}. {self.description}") from None
        return value

    def expectation(self) -> str:
        """What a value must be, in words."""
        if self.choices and self.kind is list:
            return "some of " + ", ".join(self.choices) + ", with commas between them"
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {int: "a whole number", float: "a number", bool: "on or off", list: "a list with commas"}
        text = words.get(self.kind, "a text")
        if self.like:
            text += f", {'each ' if self.kind is list else ''}like {self.like}"
        match self.minimum, self.maximum:
            case None, None:
                return text
            case low, None:
                return f"{text} of at least {low:g}"
            case None, high:
                return f"{text} of at most {high:g}"
            case low, high:
                return f"{text} from {low:g} to {high:g}"
        return text

    def _convert(self, text: str) -> Any:
        if self.kind is bool:
            if text.lower() in YES | NO:
                return text.lower() in YES
            raise ValueError(text)
        if self.kind is list:
            parts = tuple(part.strip() for part in text.split(",") if part.strip())
            if self.choices and not set(parts) <= set(self.choices):
                raise ValueError(text)
            if self.pattern and not all(re.fullmatch(self.pattern, part) for part in parts):
                raise ValueError(text)
            return parts
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise ValueError(text)
        value = self.kind(text)
        if self.choices and value not in self.choices:
            raise ValueError(text)
        if self.kind in (int, float) and not self._in_range(value):
            raise ValueError(text)
        return value

    def _in_range(self, value: float) -> bool:
        if value != value:
            return False
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)


class Settings(Mapping[str, Any]):
    """Values by name; what was declared but not set has its default."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def read(declared: Iterable[Setting], given: Mapping[str, str], source: str = "the environment") -> Settings:
    """The declared settings' values out of `given` texts; an empty text counts as not set.

    Raises ConfigError for the first value that does not fit.
    """
    values: dict[str, Any] = {}
    for setting in declared:
        text = given.get(setting.name, "")
        values[setting.name] = setting.parse(text, source) if text.strip() else setting.default
    return Settings(values)


def missing(declared: Iterable[Setting], given: Mapping[str, str]) -> list[str]:
    """The names of the required settings that are not set."""
    return [s.name for s in declared if s.required and not given.get(s.name, "").strip()]
