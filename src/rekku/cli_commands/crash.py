"""What is left of an error that nobody foresaw: its traceback goes to a file, not to the person at the keyboard."""

import os
import traceback
from pathlib import Path

from rekku import home as home_folder
from rekku.core.errors import RekkuError
from rekku.redaction import Redaction


def keep(error: BaseException, chosen_home: str | None) -> Path | None:
    """Write the traceback to `data/crash.log` in the home, without secrets; None if that does not work either."""
    redaction = Redaction()
    try:
        home = home_folder.locate(os.environ, chosen_home)
        redaction.learn_names(home_folder.given(home, os.environ))
        file = home / "data" / "crash.log"
        with open(file, "a", encoding="utf-8", opener=_for_the_owner_alone) as log:
            log.write(redaction.clean("".join(traceback.format_exception(error))) + "\n")
    except (OSError, RekkuError):
        return None
    return file


def _for_the_owner_alone(file: str, flags: int) -> int:
    return os.open(file, flags, 0o600)
