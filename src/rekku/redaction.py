"""Secrets never reach the logs."""

import logging
import re
from collections.abc import Iterable, Mapping

from rekku.core.settings import Setting

HIDDEN = "[secret]"
SHORTEST = 4
"""A shorter value is hidden nowhere: too many innocent words contain it."""

TELEGRAM_TOKEN = re.compile(r"(?<!\d)\d{6,}:[\w-]{20,}")
SECRET_NAME = re.compile(r"(?:TOKEN|PASS|PASSWORD|SECRET|KEY)$")
"""Names that sound secret; their values are hidden before the components have declared which really are."""


class Redaction(logging.Filter):
    """A filter for log handlers: it takes secrets out of the message, the traceback and the stack of each record."""

    def __init__(self) -> None:
        super().__init__()
        self._known: frozenset[str] = frozenset()
        self._pattern = TELEGRAM_TOKEN

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these values too, from now on."""
        new = {part for secret in secrets for part in _shapes(secret)} - self._known
        if not new:
            return
        self._known |= new
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join((*map(re.escape, longest_first), TELEGRAM_TOKEN.pattern)))

    def learn_names(self, given: Mapping[str, str]) -> None:
        """Hide the values of all names that sound secret."""
        self.learn(secret_values(given))

    def clean(self, text: str) -> str:
        """The text without the secrets."""
        return self._pattern.sub(HIDDEN, text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record in place; none is dropped."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):
            text = f"{record.msg} {record.args}"
        record.msg, record.args = self.clean(text), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text, record.exc_info = self.clean(record.exc_text), None
        if record.stack_info:
            record.stack_info = self.clean(record.stack_info)
        return True


def secret_values(given: Mapping[str, str], declared: Iterable[Setting] = ()) -> set[str]:
    """The texts of the settings that are declared secret, and of all whose names sound so."""
    names = {setting.name for setting in declared if setting.secret}
    return {text for name, text in given.items() if text and (name in names or SECRET_NAME.search(name.upper()))}


def _shapes(secret: str) -> set[str]:
    """The value as it may stand in a log: itself, as Python writes it, and each line of a longer one."""
    lines = {secret.strip(), repr(secret)[1:-1], *(line.strip() for line in secret.splitlines())}
    return {line for line in lines if len(line) >= SHORTEST}
