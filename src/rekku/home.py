"""The owner's folder: where it is, what is in it, who holds it."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rekku.core.errors import ConfigError

FILES = "files"
FOLDERS = ("plugins", "llm_engines", "interface", "data", FILES)
LOCK = "rekku.lock"
PERSONA = "persona.md"
DEFAULT_PERSONA = """\
# Rekku

You are Rekku. You live on your owner's own computer and talk with the people whom your owner lets in.

## Character

Curious, warm and honest. You keep your promises, remember what people tell you, and say so when you do not know
something or could not do something. You have opinions and a sense of humour; you never pretend to have done what you
did not do.

## How you speak

Like a friend who writes messages: short, plain, in the language in which you are spoken to. No lists where a sentence
will do, no phrases of a call centre.
"""


def locate(environ: Mapping[str, str], chosen: str | None = None) -> Path:
    """The home: what was chosen on the command line, else `REKKU_HOME`, else `~/.rekku`; always absolute."""
    text = chosen or environ.get("REKKU_HOME", "").strip() or "~/.rekku"
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ConfigError(
            f"The home {text!r} cannot be found ({error}). Set REKKU_HOME to a folder of yours."
        ) from None


def prepare(home: Path) -> None:
    """Make the home, its folders and the first persona, where they are missing. Raises ConfigError."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in FOLDERS:
            (home / folder).mkdir(mode=0o700, exist_ok=True)
        if not os.access(home, os.R_OK | os.W_OK | os.X_OK) or not os.access(home / "data", os.W_OK | os.X_OK):
            raise PermissionError("permission denied")
        _write_persona(home / PERSONA)
    except OSError as error:
        raise ConfigError(_unusable(home, error)) from error


def given(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What is set: the environment over `.env` of the home; an empty text counts as not set.

    Raises ConfigError for a line of `.env` that is not `NAME=value`; it names the line and never shows a value.
    """
    values = read_env_file(home)
    values.update({name: text for name, text in environ.items() if text.strip() or name not in values})
    return values


def read_env_file(home: Path) -> dict[str, str]:
    """The names and texts in `.env` of the home; nothing if there is no such file."""
    file = home / ".env"
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {_why(error)}. Make it readable for you.") from error
    return _parse_env(file, text)


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """Hold the home while the block runs. Raises ConfigError if another process holds it."""
    try:
        descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(_unusable(home, error)) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeInUse(home, _pid(home)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


class HomeInUse(ConfigError):
    """Another Rekku holds the home."""

    def __init__(self, home: Path, pid: int | None) -> None:
        who = f" (process {pid})" if pid else ""
        super().__init__(f"Rekku already runs in {home}{who}. Talk to it with `rekku chat`, or stop it first.")


def _pid(home: Path) -> int | None:
    try:
        return int((home / LOCK).read_text())
    except (OSError, ValueError):
        return None


def _write_persona(file: Path) -> None:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(DEFAULT_PERSONA)
    except FileExistsError:
        return


def _parse_env(file: Path, text: str) -> dict[str, str]:
    # A third of the time that `rekku --help` may take: imported only where there is something to read.
    import io

    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            blank = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string[:blank].count("\n")
            raise ConfigError(f"Line {line} of {file} is not NAME=value. Correct it, or put a # in front of it.")
        if binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values


def _unusable(home: Path, error: OSError) -> str:
    return (
        f"Rekku cannot use its home {home}: {_why(error)}. "
        "Make it a folder that you may read and write, or choose another one with REKKU_HOME."
    )


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
