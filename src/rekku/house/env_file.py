"""Changes `.env` of the home: what is not named stays as it is, comments too."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rekku.core.errors import ConfigError


def rewrite(file: Path, changes: Mapping[str, str]) -> None:
    """Set names to texts, all or none; an empty text removes the name. Blocks for a moment. Raises ConfigError."""
    for name, text in changes.items():
        if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in text):
            raise ConfigError(f"{name} must be one line of text.")
    try:
        old = file.read_text(encoding="utf-8-sig") if file.exists() else ""
        _replace(file.resolve(), changed(old, changes))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{file} cannot be changed: {why}. Change it by hand.") from None


def changed(old: str, changes: Mapping[str, str]) -> str:
    """The text of an `.env` with some names set anew; the first line of a name is replaced, more of them removed."""
    import io

    from dotenv.parser import parse_stream

    left = dict(changes)
    parts: list[str] = []
    for binding in parse_stream(io.StringIO(old)):
        original = binding.original.string
        if binding.key is None or binding.key not in changes:
            parts.append(original)
            continue
        start = original[: len(original) - len(original.lstrip())]
        text = left.pop(binding.key, "")
        parts.append(f"{start}{_line(binding.key, text)}" if text else start)
    added = "".join(_line(name, text) for name, text in left.items() if text)
    kept = "".join(parts)
    return kept + ("\n" if added and kept and not kept.endswith("\n") else "") + added


def _line(name: str, text: str) -> str:
    """A line that reads as exactly this text."""
    if text and all(c.isalnum() or c in "_-./:,@+=" for c in text):
        return f"{name}={text}\n"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'\n"


def _replace(file: Path, text: str) -> None:
    """Write a file for the owner's eyes only, so that it is there whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=".env-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
