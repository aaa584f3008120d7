"""`rekku run`: everything that is configured, until it is told to stop."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from typing import TYPE_CHECKING

from rekku import home as home_folder
from rekku.cli_commands.ground import Ground, begin

if TYPE_CHECKING:
    from rekku.app import Rekku

log = logging.getLogger(__name__)

READY = "Rekku is ready."
MANUAL = "manual"
NO_MODEL = """\
No language model is set up, so you answer as the model yourself: write in `rekku chat`, or on the
web page, and see what it is told.
To give Rekku a model, put OPENAI_API_KEY=… (or OPENAI_BASE_URL=http://localhost:11434/v1) into {env}.
Then start it again. `rekku doctor` shows what works; `rekku config` shows every setting."""
GOES_ON = "Rekku goes on without this chat; Ctrl-C stops it."


def run(arguments: argparse.Namespace) -> int:
    """0 after a clean stop."""
    ground = begin(arguments)
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    with home_folder.lock(ground.home):
        ground.log_to(ground.log_file if on_terminal else None)
        return asyncio.run(_live(ground, on_terminal))


async def _live(ground: Ground, on_terminal: bool) -> int:
    from rekku.app import running

    stop, started = asyncio.Event(), asyncio.Event()
    me = asyncio.current_task()

    def end() -> None:
        stop.set()
        if me is not None and not started.is_set():
            me.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        async with running(ground.home, ground.environ) as rekku:
            started.set()
            gc.freeze()  # what was imported stays: the collector need not walk through it again and again
            ground.hide({s.name: s for component in rekku.registry for s in component.settings})
            await _say_what_to_do(rekku, ground)
            if on_terminal:
                await _chat_until(stop, ground)
            else:
                print(READY, file=sys.stderr, flush=True)
            await stop.wait()
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    return 0


async def _say_what_to_do(rekku: "Rekku", ground: Ground) -> None:
    from rekku.core.registry import Kind

    engine, _ = await rekku.doctor_engine()
    if engine == MANUAL:
        print(NO_MODEL.format(env=ground.home / ".env"), file=sys.stderr, flush=True)
    for interface in rekku.registry.of(Kind.INTERFACE):
        if interface.members.has("welcome") and (text := await interface.members.call("welcome")):
            print(text, file=sys.stderr, flush=True)


async def _chat_until(stop: asyncio.Event, ground: Ground) -> None:
    """The chat on this terminal, until the person leaves it or everything stops; Ctrl-C in it stops everything."""
    from rekku.chat.connection import connect
    from rekku.chat.terminal import INTERRUPTED, talk

    try:
        connection = await connect(ground.home)
    except OSError as error:
        print(f"The chat cannot be opened here ({error.strerror}); `rekku doctor` says why.", file=sys.stderr)
        return
    chat = asyncio.create_task(talk(connection, ground.home), name="chat")
    stopping = asyncio.create_task(stop.wait(), name="stop signal")
    await asyncio.wait((chat, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    chat.cancel()
    left = (await asyncio.gather(chat, return_exceptions=True))[0]
    connection.close()
    if left == INTERRUPTED:
        stop.set()
    elif not stop.is_set():
        if isinstance(left, BaseException):
            log.error("The chat ended because of an error.", exc_info=left)
        print(GOES_ON, file=sys.stderr, flush=True)
