"""What became of each file, in words for the owner and for its author."""

import logging
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

from rekku.core.errors import ConfigError, PluginError
from rekku.core.registry import Kind
from rekku.loader.files import Source

log = logging.getLogger(__name__)

OWN_NAMES = frozenset({"rekku", "core", "plugins", "llm_engines", "interface"})


@dataclass
class FileReport:
    """What became of one file.

    `state` is one of: loaded, helper (nothing in it to load), unconfigured, missing (a library is not installed),
    failed, replaced (a file in the home stands in front of it), off (not among REKKU_PLUGINS). `reason` is one line
    that says what to do.
    """

    kind: Kind
    name: str
    file: Path
    builtin: bool
    state: str
    reason: str = ""
    traceback: str = ""


class Unconfigured(ConfigError):
    """A component's required settings are not all set."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"unconfigured: set {', '.join(names)}")


def report(source: Source, state: str, reason: str = "", name: str = "") -> FileReport:
    """A report about a file."""
    return FileReport(source.kind, name or source.name, source.file, source.builtin, state, reason)


def sentence(told: FileReport) -> str:
    """A report in one sentence, for the log and for the owner."""
    match told.state:
        case "loaded":
            return f"Loaded the {told.kind} {told.name} ({told.file}){f'; {told.reason}' if told.reason else '.'}"
        case "unconfigured":
            return f"The {told.kind} {told.name} waits for its settings: {told.reason}"
        case "failed" | "missing":
            return f"The {told.kind} {told.name} could not be loaded: {told.reason}"
        case _:
            return f"{told.file}: {told.state}{f', {told.reason}' if told.reason else ''}."


def write_down(told: FileReport) -> None:
    """Log what became of a file; the traceback at the lowest level, since the line is in the reason."""
    levels = {"failed": logging.ERROR, "missing": logging.INFO, "unconfigured": logging.INFO, "helper": logging.DEBUG}
    log.log(levels.get(told.state, logging.INFO), "%s", sentence(told))
    if told.traceback:
        log.debug("%s", told.traceback)


def failure(source: Source, error: BaseException, cls: type | None = None) -> FileReport:
    """A report about a file that was not taken: what is wrong, in which line, and what to do."""
    if isinstance(error, Unconfigured):
        return report(source, "unconfigured", str(error).removeprefix("unconfigured: "))
    if isinstance(error, ConfigError):
        return report(source, "failed", _one_line(str(error)))
    name = _missing_library(error)
    if name is not None:
        command = install_command(source.name, name)
        return report(source, "missing", f"the library {name!r} is not installed; run: {command}")
    found = report(source, "failed", f"{_place(source, error, cls)}: {_words(error)}")
    found.traceback = _readable(source, error)
    return found


def install_command(component: str, module: str) -> str:
    """The command that installs what a component lacks: Rekku's extra of that name, else the module itself."""
    from importlib import metadata

    try:
        extras = metadata.metadata("rekku").get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        extras = []
    for extra in extras:
        if _plain(extra) == _plain(component):
            return f'pip install "rekku[{extra}]"'
    return f"pip install {module}"


def _missing_library(error: BaseException) -> str | None:
    """The top-level name of a third-party module that is not installed."""
    for cause in _chain(error):
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            name = cause.name.partition(".")[0]
            return None if name in OWN_NAMES else name
    return None


def _words(error: BaseException) -> str:
    text = _one_line(str(error.msg if isinstance(error, SyntaxError) else error))
    if isinstance(error, PluginError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(source: Source, error: BaseException, cls: type | None) -> str:
    """`file:line` of the deepest frame in the component's own files, else of what the error is about."""
    for cause in _chain(error):
        if isinstance(cause, SyntaxError) and cause.filename:
            return f"{cause.filename}:{cause.lineno}"
        lines = [
            (f.filename, f.lineno) for f in traceback.extract_tb(cause.__traceback__) if _is_own(source, f.filename)
        ]
        if lines:
            return f"{lines[-1][0]}:{lines[-1][1]}"
    line = _definition(cls, str(error)) if cls is not None else None
    return f"{source.file}:{line}" if line else str(source.file)


def _is_own(source: Source, filename: str) -> bool:
    if source.is_package:
        return Path(filename).is_relative_to(source.file.parent)
    return filename == str(source.file)


def _definition(cls: type, text: str) -> int | None:
    """The line of the method that a text names, else of the first one that the class defines."""
    functions = [member for member in vars(cls).values() if isinstance(member, FunctionType)]
    named = [f for f in functions if re.search(rf"\b{re.escape(f.__name__)}\b", text)]
    return min((f.__code__.co_firstlineno for f in named or functions), default=None)


def _readable(source: Source, error: BaseException) -> str:
    """The traceback from the author's first line on; the frames before it are Rekku's."""
    frames = error.__traceback__
    while frames is not None and not _is_own(source, frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames or error.__traceback__))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
