"""The terminal through the front door: the model's action, /sh, shell mode."""

import asyncio
from pathlib import Path

import pytest

from rekku.plugins._terminal import sandbox
from rekku.plugins._terminal.sandbox import why_no_sandbox
from rekku.testing import PATIENCE, Bot
from tests.road.test_actions import problems
from tests.road.words import action, answered, reply, say, texts, until

pytestmark = pytest.mark.sqlite_only

needs_sandbox = pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox())
NEW = "[A new shell. If there was an earlier one, only its files are left.]"


def output(bot: Bot) -> dict[str, object]:
    """What the last command gave to the model."""
    found: dict[str, object] = answered(bot)["outputs"][-1]["output"]
    return found


async def runs(bot: Bot, **payload: object) -> dict[str, object]:
    """What a command of the model gives to it."""
    bot.model_says(reply(action("terminal", **payload)), say("ok"))
    assert await bot.hears("do it") == ["ok"]
    return output(bot)


async def test_a_transcript(bot: Bot) -> None:
    bot.model_says(reply(action("terminal", command="echo 1 2 3 > a.txt; wc -w < a.txt")), say("Three words."))
    assert await bot.hears("Write 1 2 3 into a.txt, and count the words.") == ["Three words."]
    assert output(bot)["output"] == "3\n"
    assert output(bot)["exit_status"] == 0


async def test_the_session_lasts_and_each_chat_has_its_own(bot: Bot) -> None:
    first = await runs(bot, command="x=5; mkdir -p deep; cd deep")
    assert first["note"] == NEW.strip("[]")
    assert await runs(bot, command="echo $x; basename $PWD") == {"output": "5\ndeep\n", "exit_status": 0}
    assert await bot.hears("/sh echo $x") == ["5"]
    assert await bot.hears("/sh echo ${x-unset}", chat="elsewhere") == [f"unset\n{NEW}"]


async def test_a_session_of_its_own_leaves_the_other_alone(bot: Bot) -> None:
    await runs(bot, command="x=5")
    assert await runs(bot, command="echo ${x-unset}; x=6", persistent_session=False) == {
        "output": "unset\n",
        "exit_status": 0,
    }
    assert await runs(bot, command="echo $x") == {"output": "5\n", "exit_status": 0}


async def test_a_program_that_waits_is_given_its_input(bot: Bot) -> None:
    waiting = await runs(bot, command="read -p 'Name? ' name; echo hi $name")
    assert waiting["output"] == "Name? "
    assert "waits for input" in str(waiting["note"])
    assert await runs(bot, command="", input="Ann") == {"output": "hi Ann\n", "exit_status": 0}
    assert (await runs(bot, command="read x; echo $x", input="ahead"))["output"] == "ahead\n"


async def test_a_command_while_another_waits_is_refused(bot: Bot) -> None:
    await runs(bot, command="cat")
    bot.model_says(reply(action("terminal", command="echo hi")), say("no"))
    await bot.hears("do it")
    assert "still runs and waits for input" in problems(bot)[0]
    assert (await runs(bot, command="", input="^C"))["exit_status"] == 130


async def test_what_takes_too_long_is_killed_and_the_next_shell_is_new(bot: Bot) -> None:
    await runs(bot, command="x=5")
    killed = await runs(bot, command="echo begun; sleep 100", timeout=2)
    assert killed["output"] == "begun\n"
    assert "it was killed with its shell" in str(killed["note"])
    assert await runs(bot, command="echo ${x-gone}") == {"output": "gone\n", "exit_status": 0, "note": NEW.strip("[]")}


@pytest.mark.settings(TERMINAL_OUTPUT="200")
async def test_long_outputs_are_shortened_and_kept_whole_for_last(bot: Bot) -> None:
    shown = str((await runs(bot, command="seq 1 2000"))["output"])
    assert len(shown) < 300
    assert shown.startswith("1\n2\n3\n")
    assert shown.endswith("1999\n2000\n")
    assert "characters left out" in shown
    assert await bot.hears("/sh last") == ["".join(f"{n}\n" for n in range(1, 2001))]


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({}, "payload.command is required"),
        ({"command": 5}, "payload.command must be a text"),
        ({"command": "ls", "timeout": 601}, "payload.timeout must be more than 0 and at most 600"),
        ({"command": "ls", "timeout": -1}, "payload.timeout must be"),
        ({"command": "ls", "input": "x" * 5000}, "payload.input must have at most"),
        ({"command": " ", "persistent_session": False}, "payload.command is empty"),
        ({"command": ""}, "no program waits for input"),
        ({"command": "x" * 40000}, "payload.command must have at most"),
    ],
)
async def test_a_wrong_payload_goes_back_in_words(bot: Bot, payload: dict[str, object], problem: str) -> None:
    bot.model_says(reply(action("terminal", **payload)), say("no"))
    assert await bot.hears("do it") == ["no"]
    assert problem in problems(bot)[0]


async def test_nobody_else_has_a_terminal(bot: Bot) -> None:
    bot.model_says(reply(action("terminal", command="id")), say("no"))
    assert await bot.hears("run id", user="eve") == ["no"]
    assert "terminal" not in bot.engine.prompts[0]
    assert "terminal is not permitted" in problems(bot)[0]
    for text in ("/sh id", "/sh", "/sh last", "/exit"):
        assert "is for the role trainer" in (await bot.hears(text, user="eve"))[0]


async def test_the_owner_types_commands(bot: Bot) -> None:
    assert await bot.hears("/sh echo hi") == [f"hi\n{NEW}"]
    assert await bot.hears("/sh false") == ["[exit status 1]"]
    assert await bot.hears("/sh last") == ["(no output)"]
    assert await bot.hears("/sh true") == ["(no output)"]
    assert await bot.hears("/sh stop") == ["/sh did not work: nothing runs in this shell"]


async def test_in_shell_mode_plain_messages_go_to_the_shell_until_exit(bot: Bot) -> None:
    assert await bot.hears("/sh") == ["Shell mode: what you write here goes to bash, until /exit."]
    await bot.hears("x=5")
    assert await bot.hears("echo $x") == ["5"]
    assert await bot.hears("last") != ["5\n"]
    assert "/sh" in (await bot.hears("/help"))[0]
    assert bot.engine.prompts == []
    bot.model_says("Hello, Eve.", "Another chat.")
    assert await bot.hears("echo $x", user="eve", chat="owner", direct=False) == ["Hello, Eve."]
    assert await bot.hears("echo $x", chat="elsewhere") == ["Another chat."]
    assert (await bot.hears("/exit"))[0].startswith("You are out of shell mode.")
    bot.model_says("I am here again.")
    assert await bot.hears("echo $x") == ["I am here again."]
    assert "x=5" not in bot.engine.prompts[-1]


async def test_in_shell_mode_a_program_gets_what_is_written(bot: Bot) -> None:
    await bot.hears("/sh")
    assert "waits for input" in (await bot.hears("read name; echo hi $name"))[0]
    assert await bot.hears("Ann") == ["hi Ann"]
    assert "waits for input" in (await bot.hears("cat"))[0]
    assert await bot.hears("x" * 5000) == ["/sh did not work: the input must have at most 4000 bytes"]
    assert await bot.hears("/sh stop") == ["[exit status 130]"]


async def test_who_is_no_trainer_any_more_has_no_shell_mode_any_more(bot: Bot) -> None:
    await bot.hears("/sh")
    bot.interface.trainer_user_ids = frozenset()
    bot.running.road.people.trainers.clear()
    bot.model_says("What do you mean?")
    assert await bot.hears("id") == ["What do you mean?"]
    assert "is for the role trainer" in (await bot.hears("/sh id"))[0]


async def test_a_command_that_runs_is_stopped_from_another_message(bot: Bot) -> None:
    running = await bot.send("/sh echo begun; sleep 100")
    await until(bot, lambda: written(bot) >= len("begun\n"))
    assert (await bot.hears("/sh stop"))[0] == "It is being stopped."
    await running.outcome()
    assert texts(bot)[-1].startswith("begun\n")
    assert "[exit status 130]" in texts(bot)[-1]


async def test_what_is_typed_while_a_command_runs_waits_for_its_turn(bot: Bot) -> None:
    await bot.hears("/sh true")
    first = await bot.send("/sh sleep 1.2; read name; echo hi $name")
    second = await bot.send("/sh Ann")
    await first.outcome()
    await second.outcome()
    assert "waits for input" in texts(bot)[-2]
    assert texts(bot)[-1] == "hi Ann"


async def test_a_turn_that_is_cancelled_ends_its_command(bot: Bot) -> None:
    bot.model_says(reply(action("terminal", command="x=5; sleep 100")))
    turn = asyncio.ensure_future(bot.hears("do it"))
    await until(bot, lambda: bot.engine.prompts and bot.running.road.inbox.running)
    async with asyncio.timeout(PATIENCE):
        while not turn.done():
            await bot.tell("/cancel")
    assert (await turn)[-1] == "Cancelled."
    assert await bot.hears("/sh echo ${x-gone}") == [f"gone\n{NEW}"]


@pytest.mark.settings(TERMINAL_IDLE="150")
async def test_an_idle_shell_ends(bot: Bot) -> None:
    await bot.hears("/sh x=5")
    await bot.clock.advance(100)
    assert await bot.hears("/sh echo $x") == ["5"]
    await bot.clock.advance(240)
    assert await bot.hears("/sh echo ${x-gone}") == [f"gone\n{NEW}"]


async def test_a_session_dies_with_the_process_and_the_answer_says_so(bot: Bot) -> None:
    await bot.hears("/sh x=5; echo kept > file")
    await bot.restart()
    assert await bot.hears("/sh echo ${x-gone}; cat file") == [f"gone\nkept\n{NEW}"]


async def test_secrets_are_neither_in_the_shell_nor_told(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "sk-very-secret" not in (await bot.hears("/sh env; cat /proc/$$/environ"))[0]


@needs_sandbox
@pytest.mark.parametrize(
    ("network", "trusted"),
    [
        pytest.param(network, trusted, marks=pytest.mark.settings(TERMINAL_NETWORK=network, APPROVALS="tainted"))
        for network, trusted in (("off", True), ("on", False))
    ],
)
async def test_outputs_of_a_closed_shell_are_trusted(bot: Bot, network: str, trusted: bool) -> None:
    assert bot.running.road.catalogue.actions["terminal"].action.trusted_output is trusted


@needs_sandbox
async def test_the_sandbox_keeps_the_home_out_of_reach(bot: Bot) -> None:
    (bot.home / "note").write_text("private")
    assert "No such file" in (await bot.hears(f"/sh cat {bot.home}/note"))[0]
    assert await bot.hears("/sh cat /etc/shadow >/dev/null") != ["(no output)"]


def written(bot: Bot) -> int:
    """How many bytes the commands that run have written."""
    component = next(c for c in bot.running.registry if c.name == "terminal")
    return sum(session.shell._line._output.total for session in component.instance._sessions._sessions.values())


async def health(bot: Bot) -> str:
    component = next(c for c in bot.running.registry if c.name == "terminal")
    return str(await component.members.call("health"))


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without bubblewrap."""
    module = f"{sandbox.__name__}.why_no_sandbox"  # by its name: it may have been loaded again since
    monkeypatch.setattr(module, lambda: "bubblewrap is not installed")


@pytest.mark.usefixtures("no_bubblewrap")
async def test_without_bubblewrap_it_works_and_says_so(bot: Bot) -> None:
    assert await health(bot) == "commands run without a sandbox: bubblewrap is not installed"
    assert not bot.running.road.catalogue.actions["terminal"].action.trusted_output
    assert (await bot.hears("/sh echo hi"))[0].startswith("hi")


@pytest.mark.usefixtures("no_bubblewrap")
@pytest.mark.settings(TERMINAL_SANDBOX="on")
async def test_where_the_sandbox_is_required_nothing_runs_without_it(bot: Bot) -> None:
    assert await health(bot) == "no command runs: bubblewrap is not installed"
    assert "no command runs without a sandbox" in (await bot.hears("/sh echo hi"))[0]


@pytest.mark.settings(TERMINAL_SANDBOX="off")
async def test_without_the_sandbox_outputs_are_not_trusted(bot: Bot) -> None:
    bot.model_says(reply(action("terminal", command="echo run rm")), reply(action("terminal", command="rm")), say("no"))
    told = asyncio.ensure_future(bot.hears("do it"))
    await until(bot, lambda: bot.interface.sent)
    assert '  command: "rm"' in bot.interface.sent[0].text
    assert (await bot.hears("/deny"))[0] == "Denied: terminal."
    assert (await told)[-1] == "no"
