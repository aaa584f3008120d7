"""The local socket: who gets in, what is said, what stays behind."""

import asyncio
import json
import os
import socket
import stat
from pathlib import Path

import pytest

from rekku.chat.connection import connect
from rekku.core.errors import ConfigError, NotReachable, StoreError
from rekku.core.message import Conversation, Message
from rekku.core.turn import Outcome
from rekku.interface._cli.clients import LONGEST_LINE, MOST_WAITING
from rekku.interface.cli import CliInterface
from tests.cli.conftest import FakeHost, Peer


async def test_a_message_is_heard_answered_and_done(host: FakeHost, peer: Peer) -> None:
    ours = await peer.connection.say("hello")

    done = await peer.until("done")

    reply = peer.got[0]
    assert (reply["type"], reply["text"], reply["for"], reply["draft"]) == ("message", "you said hello", ours, False)
    assert done == {"type": "done", "id": ours, "outcome": "answered"}
    assert host.heard[0].conversation == Conversation("cli", "local")
    assert (host.heard[0].user.id, host.heard[0].message_id) == ("local", ours)


async def test_every_terminal_sees_the_conversation(host: FakeHost, peer: Peer) -> None:
    other = Peer(await connect(host.home))
    await other.connection.hello(tty=True)
    await other.connection.say("hi")

    await other.until("done")

    assert (await peer.until("message"))["text"] == "you said hi"
    other.connection.close()


async def test_without_a_terminal_a_message_waits_and_hello_calls_for_it(host: FakeHost) -> None:
    with pytest.raises(NotReachable):
        await host.interface.send_message({"target": "local", "text": "anybody?"})

    connection = await connect(host.home)
    with pytest.raises(NotReachable):  # connected, but it has not said hello
        await host.interface.send_message({"target": "local", "text": "anybody?"})
    await connection.hello(tty=False)
    await connection.answer(99, "nothing")
    assert (await Peer(connection).until("notice"))["text"].startswith("That prompt does not wait")

    assert host.reachable_calls == 1
    assert await host.interface.send_message({"target": "local", "text": "there you are", "key": "k1"}) == "k1"
    connection.close()


async def test_a_draft_is_edited_in_place_and_can_be_taken_back(host: FakeHost, peer: Peer) -> None:
    draft = await host.interface.send_message({"target": "local", "text": "I th", "draft": True})
    await host.interface.edit_message({"target": "local", "message_id": draft, "text": "I think", "draft": False})
    await host.interface.delete_message({"target": "local", "message_id": draft})

    await peer.until("delete")

    assert [record["text"] for record in peer.got[:2]] == ["I th", "I think"]
    assert [record["draft"] for record in peer.got[:2]] == [True, False]
    assert {record["id"] for record in peer.got} == {draft}


async def test_a_prompt_on_the_desk_is_shown_and_answered(host: FakeHost, peer: Peer) -> None:
    asking = asyncio.create_task(host.desk.ask("What now?", "{}", Conversation("cli", "local")))
    prompt = await peer.until("prompt")
    assert (prompt["text"], prompt["chat"]) == ("What now?", "cli:local")

    await peer.connection.answer(prompt["question"], "this")

    assert await asking == "this"
    assert (await peer.until("prompt_gone"))["question"] == prompt["question"]


async def test_a_prompt_that_waits_is_shown_to_whoever_comes_later(host: FakeHost) -> None:
    asking = asyncio.create_task(host.desk.ask("Still there?", "{}"))
    await asyncio.sleep(0)
    connection = await connect(host.home)
    await connection.hello(tty=True)

    assert (await Peer(connection).until("prompt"))["text"] == "Still there?"
    asking.cancel()
    connection.close()


@pytest.mark.parametrize(
    "line", [b"not json", b"[]", b'{"type": "dance"}', b'{"type": "message", "id": 3, "text": "x"}', b"[" * 50_000]
)
async def test_rubbish_gets_a_sentence_and_the_connection_lives(host: FakeHost, peer: Peer, line: bytes) -> None:
    peer.connection._writer.write(line + b"\n")
    assert (await peer.until("notice"))["text"].endswith(".")

    await peer.connection.say("still here")
    assert (await peer.until("message"))["text"] == "you said still here"


async def test_a_record_that_is_too_long_ends_the_connection(host: FakeHost, peer: Peer) -> None:
    peer.connection._writer.write(b"x" * (LONGEST_LINE + 10))
    async with asyncio.timeout(10):
        assert [record async for record in peer.connection.records()] == []
    assert host.heard == []


async def test_a_terminal_that_does_not_read_is_dropped_and_the_others_go_on(host: FakeHost, peer: Peer) -> None:
    deaf, writer = await asyncio.open_unix_connection(str(host.home / "rekku.sock"), limit=1024)
    writer.write(b'{"type": "hello", "tty": false}\n')
    async with asyncio.timeout(10):
        await host.greetings.acquire()

    for _ in range(MOST_WAITING // 1_000_000 + 4):
        await host.interface.send_message({"target": "local", "text": "x" * 1_000_000})
        await peer.until("message")

    assert len(host.interface._clients.connected) == 1
    assert len(peer.got) == MOST_WAITING // 1_000_000 + 4
    writer.close()
    del deaf


async def test_a_message_that_cannot_be_kept_is_reported_as_failed(host: FakeHost, peer: Peer) -> None:
    host.refusal = StoreError("the database is away")
    await peer.connection.say("remember this")

    assert (await peer.until("done"))["outcome"] == "failed"
    assert "was not kept: the database is away" in peer.got[0]["text"]


async def test_only_its_owner_may_open_the_socket_and_it_goes_when_rekku_goes(host: FakeHost) -> None:
    file = host.home / "rekku.sock"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    await host.interface.stop()
    assert not file.exists()


async def test_a_process_of_another_user_is_turned_away(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    for folder in (host.home, *host.home.parents):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o711)
    (host.home / "rekku.sock").chmod(0o666)
    code = (
        "import os,socket,sys; os.setuid(65534); s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
        "sys.stdout.write(repr(s.recv(10)))"
    )
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/env", "python3", "-c", code, str(host.home / "rekku.sock"), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()

    assert out == b"b''"
    assert host.interface._clients.connected == set()


async def test_a_long_path_works(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 20) / ("deeper" * 10)
    home.mkdir(parents=True)
    host = FakeHost(home)
    await host.interface.start()
    peer = Peer(await connect(home))
    await peer.connection.hello(tty=False)
    await peer.connection.say("from afar")

    assert (await peer.until("message"))["text"] == "you said from afar"
    assert stat.S_IMODE((home / "rekku.sock").stat().st_mode) == 0o600
    peer.connection.close()
    await host.end()


async def test_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "rekku.sock"))
    host = FakeHost(tmp_path)
    await host.interface.start()
    peer = Peer(await connect(tmp_path))
    await peer.connection.hello(tty=False)
    await peer.connection.say("again")

    assert (await peer.until("done"))["outcome"] == "answered"
    peer.connection.close()
    await host.end()


async def test_a_live_socket_is_left_alone(host: FakeHost) -> None:
    second = FakeHost(host.home)
    with pytest.raises(ConfigError, match="Another Rekku listens"):
        await second.interface.start()

    (await connect(host.home)).close()


async def test_a_file_in_the_socket_s_place_is_not_destroyed(tmp_path: Path) -> None:
    (tmp_path / "rekku.sock").write_text("precious")
    with pytest.raises(ConfigError, match="in the way"):
        await FakeHost(tmp_path).interface.start()

    assert (tmp_path / "rekku.sock").read_text() == "precious"


async def test_text_of_any_kind_arrives_whole(host: FakeHost, peer: Peer) -> None:
    text = 'two\nlines, "quotes", 猫, \x1b[31m and a lone \ud83d'

    async def say(interface: CliInterface, message: Message) -> Outcome:
        await interface.send_message({"target": "local", "text": text}, message)
        return Outcome.ANSWERED

    host.script = say
    await peer.connection.say("go")

    got = (await peer.until("message"))["text"]
    assert got == text.encode("utf-8", "replace").decode()
    assert json.dumps(got)
