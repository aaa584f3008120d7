"""`rekku chat` as a process of its own, connected to a terminal interface that listens in this one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rekku import home as home_folder
from rekku.core.message import Conversation, Message
from rekku.core.turn import Outcome
from rekku.interface.cli import CliInterface
from tests.cli.conftest import FakeHost, Shell
from tests.cli.screen import Screen


@pytest.fixture
async def host(rekku: Shell) -> AsyncIterator[FakeHost]:
    home_folder.prepare(rekku.home)
    with home_folder.lock(rekku.home):
        fake = FakeHost(rekku.home)
        await fake.interface.start()
        yield fake
        await fake.end()


async def chat(rekku: Shell, *arguments: str, given: str = "") -> tuple[int | None, str, str]:
    """Exit status, standard output and standard error of `rekku chat`."""
    process = await asyncio.create_subprocess_exec(
        *rekku.command("chat", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=rekku.environ,
    )
    async with asyncio.timeout(20):
        out, err = await process.communicate(given.encode())
    return process.returncode, out.decode(), err.decode()


async def test_one_message_prints_its_reply_and_nothing_else(rekku: Shell, host: FakeHost) -> None:
    assert await chat(rekku, "-m", "hello") == (0, "you said hello\n", "")


async def test_a_command_is_answered_while_an_earlier_message_waits_for_a_model(rekku: Shell, host: FakeHost) -> None:
    asking = asyncio.create_task(host.desk.ask("They said hello.", "{}", Conversation("cli", "local")))
    status, _, told = await chat(rekku, "-m", "what now?")
    assert (status, told[:22]) == (1, "No model is set up (th")
    assert await chat(rekku, "-m", "/sh uptime") == (0, "you said /sh uptime\n", "")
    asking.cancel()


async def test_a_reply_that_grows_is_printed_once(rekku: Shell, host: FakeHost) -> None:
    async def grow(interface: CliInterface, message: Message) -> Outcome:
        draft = await interface.send_message({"text": "on", "draft": True}, message)
        for text in ("one", "one tw"):
            await interface.edit_message({"message_id": draft, "text": text, "draft": True})
        await interface.edit_message({"message_id": draft, "text": "one two", "draft": False})
        gone = await interface.send_message({"text": "no", "draft": True}, message)
        await interface.delete_message({"message_id": gone})
        await interface.send_message({"text": "three"}, message)
        return Outcome.ANSWERED

    host.script = grow
    assert await chat(rekku, "-m", "count") == (0, "one two\nthree\n", "")


async def test_answers_to_earlier_messages_go_to_standard_error(rekku: Shell, host: FakeHost) -> None:
    async def late(interface: CliInterface, message: Message) -> Outcome:
        earlier = Message(message.conversation, message.user, "before", message.at, message_id="earlier")
        await interface.send_message({"text": "about before"}, earlier)
        await interface.send_message({"text": "a notice"})
        await interface.send_message({"text": "about now"}, message)
        return Outcome.ANSWERED

    host.script = late
    assert await chat(rekku, "-m", "now") == (0, "about now\n", "about before\na notice\n")


@pytest.mark.parametrize("outcome", [Outcome.DEFERRED, Outcome.FAILED, Outcome.CANCELLED])
async def test_what_is_not_answered_ends_with_1_and_words_on_standard_error(
    rekku: Shell, host: FakeHost, outcome: Outcome
) -> None:
    async def apologise(interface: CliInterface, message: Message) -> Outcome:
        await interface.send_message({"text": "The model is away."}, message)
        return outcome

    host.script = apologise
    assert await chat(rekku, "-m", "hello") == (1, "", "The model is away.\n")


async def test_a_command_counts_as_answered(rekku: Shell, host: FakeHost) -> None:
    async def command(interface: CliInterface, message: Message) -> Outcome:
        await interface.send_message({"text": "pong"}, message)
        return Outcome.COMMAND

    host.script = command
    assert await chat(rekku, "-m", "/ping") == (0, "pong\n", "")


async def ask_the_owner(interface: CliInterface, message: Message) -> Outcome:
    """What a turn does when the engine is `manual`."""
    words = await interface.host.desk.ask(f"They said {message.text}.", "{}", Conversation("cli", "local"))
    await interface.send_message({"text": words}, message)
    return Outcome.ANSWERED


async def test_with_nobody_to_be_the_model_one_sentence_says_so(rekku: Shell, host: FakeHost) -> None:
    host.script = ask_the_owner
    status, out, err = await chat(rekku, "-m", "hello")

    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "the message is kept" in err


async def test_a_rekku_that_stops_is_noticed(rekku: Shell, host: FakeHost) -> None:
    async def stop(interface: CliInterface, message: Message) -> Outcome:
        interface._clients.close()
        await asyncio.Event().wait()
        return Outcome.ANSWERED

    host.script = stop
    status, out, err = await chat(rekku, "-m", "hello")
    assert (status, out, err) == (1, "", "Rekku stopped before it answered; the message is kept.\n")


async def test_lines_of_a_pipe_are_sent_one_after_the_other(rekku: Shell, host: FakeHost) -> None:
    status, out, err = await chat(rekku, given="one\n\ntwo\n")

    assert (status, out, err) == (0, "you said one\nyou said two\n", "")


async def test_a_pipe_can_be_the_model(rekku: Shell, host: FakeHost) -> None:
    host.script = ask_the_owner
    status, out, err = await chat(rekku, given="hello\nhi yourself\n")
    assert (status, out, err) == (0, "hi yourself\n", "They said hello.\n")

    status, out, err = await chat(rekku, given="hello\n")
    assert (status, out) == (1, "")
    assert "the message is kept" in err


async def test_an_empty_pipe_is_no_error(rekku: Shell, host: FakeHost) -> None:
    assert await chat(rekku) == (0, "", "")


@pytest.fixture
async def screen(rekku: Shell, host: FakeHost) -> AsyncIterator[Screen]:
    """A terminal with a chat that has said hello; it has ended at the end."""
    shown = Screen(rekku)
    process = await shown.open("chat")
    await shown.shows("Talk to Rekku.")
    await shown.shows("> ")
    yield shown
    assert await shown.ends(process, "\x04") == 0
    shown.close()


async def test_on_a_terminal_one_talks_and_leaves_with_control_d(screen: Screen, rekku: Shell) -> None:
    screen.type("hello\r")
    await screen.shows("Rekku: you said hello")

    assert "hello" in (rekku.home / "data" / "chat_history").read_text()


async def test_on_a_terminal_a_reply_is_seen_while_it_grows_and_stands_there_once(
    screen: Screen, host: FakeHost
) -> None:
    more = asyncio.Event()

    async def grow(interface: CliInterface, message: Message) -> Outcome:
        draft = await interface.send_message({"text": "It begins", "draft": True}, message)
        await more.wait()
        await interface.edit_message({"message_id": draft, "text": "It begins and ends.", "draft": False})
        return Outcome.ANSWERED

    host.script = grow
    screen.type("tell me\r")
    await screen.shows("Rekku: It begins")
    assert "ends." not in screen.text
    more.set()
    await screen.shows("and ends.")
    assert screen.text.count("and ends.") == 1


async def test_on_a_terminal_the_owner_can_be_the_model_and_still_use_commands(screen: Screen, host: FakeHost) -> None:
    async def script(interface: CliInterface, message: Message) -> Outcome:
        if message.text.startswith("/"):
            await interface.send_message({"text": "a command"}, message)
            return Outcome.COMMAND
        return await ask_the_owner(interface, message)

    host.script = script
    screen.type("hello\r")
    await screen.shows("They said hello.")
    await screen.shows("model> ")
    screen.type("/status\r")
    await screen.shows("Rekku: a command")
    screen.type("hi from the model\r")
    await screen.shows("Rekku: hi from the model")


async def test_on_a_terminal_what_steers_it_is_taken_out(screen: Screen, host: FakeHost) -> None:
    async def attack(interface: CliInterface, message: Message) -> Outcome:
        await interface.send_message({"text": "\x1b]0;owned\x07safe"}, message)
        return Outcome.ANSWERED

    host.script = attack
    screen.type("go\r")
    await screen.shows("Rekku: ]0;ownedsafe")


async def test_on_a_terminal_control_c_on_an_empty_line_ends_quietly(rekku: Shell, host: FakeHost) -> None:
    shown = Screen(rekku)
    process = await shown.open("chat")
    await shown.shows("> ")
    shown.type("half a line")
    await shown.shows("half a line")
    assert await shown.ends(process, "\x03") == 130
    assert "Traceback" not in shown.text
    shown.close()
