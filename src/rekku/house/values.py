"""The declared settings with what they are set to, secrets left out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rekku.cli_commands import declared
from rekku.core.errors import ConfigError
from rekku.core.house import Value
from rekku.home import read_env_file

if TYPE_CHECKING:
    from rekku.app import Rekku


def values(rekku: "Rekku") -> Sequence[Value]:
    """Every setting once, Rekku's own first."""
    given = rekku.given()
    in_file = read_env_file(rekku.home)
    found = []
    for component, settings in declared.unique(declared.of(rekku)).items():
        for setting in settings:
            text = given.get(setting.name, "").strip()
            if not text:
                source, shown = "default", declared.as_text(setting.default)
            else:
                source = ".env" if in_file.get(setting.name, "").strip() == text else "environment"
                shown = text
            found.append(Value(setting, component, "" if setting.secret else shown, bool(text), source))
    return found


def check(changes: Mapping[str, str], known: Sequence[Value]) -> None:
    """Raises ConfigError for a name that is none, one that the environment sets, or a text that does not fit."""
    by_name = {value.setting.name: value for value in known}
    for name, text in changes.items():
        value = by_name.get(name)
        if value is None:
            raise ConfigError(f"There is no setting {name!r}.")
        if value.source == "environment":
            raise ConfigError(f"{name} is set in the environment of the process, so it can only be changed there.")
        if text.strip():
            value.setting.parse(text, "what you wrote")
