"""What every command begins with: the home, and what is set."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rekku import home as home_folder
from rekku import logs
from rekku.core.settings import Setting
from rekku.redaction import Redaction


@dataclass(frozen=True, slots=True)
class Ground:
    """The home, the environment as it was given, and what both say together."""

    home: Path
    environ: Mapping[str, str]
    given: Mapping[str, str]
    redaction: Redaction

    def log_to(self, file: Path | None) -> None:
        """Log to a file, or to standard error; raises ConfigError if LOG_LEVEL is no level."""
        from rekku.house_settings import SETTINGS

        level = next(setting for setting in SETTINGS if setting.name == "LOG_LEVEL")
        text = self.given.get(level.name, "")
        logs.set_up(level.parse(text.upper()) if text.strip() else level.default, self.redaction, file)

    @property
    def log_file(self) -> Path:
        """Where records go while somebody chats."""
        return self.home / "data" / "rekku.log"

    def hide(self, settings: Mapping[str, Setting]) -> None:
        """Keep the values of the secret settings out of the logs."""
        self.redaction.learn(self.given.get(name, "") for name, setting in settings.items() if setting.secret)


def begin(arguments: argparse.Namespace) -> Ground:
    """The ground for a command; the home is made if it is not there. Raises ConfigError."""
    home = home_folder.locate(os.environ, arguments.home)
    home_folder.prepare(home)
    given = home_folder.given(home, os.environ)
    redaction = Redaction()
    redaction.learn_names(given)
    return Ground(home, os.environ, given, redaction)
