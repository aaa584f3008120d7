"""The `rekku` command: its arguments, and how it ends. What it does stands in `rekku.cli_commands`.

Nothing heavy is imported here, so that `rekku --help` is quick.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from rekku import __version__
from rekku.core.errors import RekkuError

USAGE_ERROR = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. An error ends in one line on standard error, never in a traceback."""
    arguments = _parser().parse_args(argv)
    try:
        command = importlib.import_module(f"rekku.cli_commands.{arguments.command}")
        status: int = command.run(arguments)
        sys.stdout.flush()
    except RekkuError as error:
        print(f"rekku: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output is gone; without this Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last door before the person at the keyboard
        return _unforeseen(error, arguments.home)
    return status


def _unforeseen(error: Exception, home: str | None) -> int:
    """Say in one line what happened; the traceback is kept for whoever can mend it."""
    from rekku.cli_commands.crash import keep

    file = keep(error, home)
    where = f" The traceback is in {file}; please report it." if file else ""
    print(f"rekku: Something went wrong that should not: {type(error).__name__}: {error}.{where}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rekku", description="A self-hosted AI persona that talks where you chat.")
    parser.add_argument("--home", metavar="DIR", help="the folder of this Rekku (default: REKKU_HOME, or ~/.rekku)")
    parser.add_argument("--version", action="version", version=f"rekku {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser("run", help="start everything that is configured")

    chat = commands.add_parser("chat", help="talk to Rekku here")
    chat.add_argument("-m", "--message", metavar="TEXT", type=_text, help="say this, print the replies, and end")

    actions = commands.add_parser("actions", help="what Rekku can do")
    actions.add_argument("--json", action="store_true", help="one object, keyed by action name")

    commands.add_parser("doctor", help="what works, what does not, and why")

    config = commands.add_parser("config", help="all settings and their values")
    form = config.add_mutually_exclusive_group()
    form.add_argument("--env-example", action="store_true", help="print an example .env")
    form.add_argument("--markdown", action="store_true", help="print the settings as a table for the docs")

    new = commands.add_parser("new", help="begin a plugin, an engine or an interface")
    new.add_argument("kind", choices=("plugin", "engine", "interface"))
    new.add_argument("name", metavar="NAME", type=_identifier, help="a Python name, such as dice")

    backup = commands.add_parser("backup", help="write everything to one file, also while Rekku runs")
    backup.add_argument("file", metavar="FILE")
    backup.add_argument("--with-secrets", action="store_true", help="put .env in, too")

    diary = commands.add_parser("diary", help="begin the diary anew")
    diary.add_argument("deed", choices=("recreate",), help="erase all entries and make the tables anew")
    diary.add_argument("--yes", action="store_true", help="do not ask")
    diary.add_argument("--backup", metavar="FILE", help="write a backup first")

    restore = commands.add_parser("restore", help="bring everything back from a backup")
    restore.add_argument("file", metavar="FILE")
    return parser


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the message is empty")
    return text


def _identifier(text: str) -> str:
    import keyword

    if not text.isidentifier() or keyword.iskeyword(text) or text.startswith("_"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a Python name that starts with a letter")
    return text


if __name__ == "__main__":
    raise SystemExit(main())
