"""The parser against anything: it never raises, never shows an action, never takes long."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rekku.chain.parser import Reply, parse

KNOWN = frozenset({"message", "terminal", "event"})
SECRET = "rm -rf /tmp/secret"
RUN = json.dumps({"type": "terminal", "payload": {"command": SECRET}})
ENVELOPE = '{"actions": [' + RUN + "]}"

MARKS = ("{", "}", "[", "]", '"', "'", "\\", ":", ",", "```", "```json\n", "\n", " ", "<think>", "</think>", "</s>")
WORDS = ('"actions"', '"type"', '"message"', '"terminal"', '"payload"', '{"actions":[', '"text":"hi"', "NaN", "1e999")
ODD = ('"system_message"', "\\ud800", "\ud800", "\x00", "null", "9" * 30, "9" * 5000, "<tool_call>", "\ufeff", "hi")
WHOLE = ('{"type":"message","payload":{"text":"hi"}}', RUN, ENVELOPE, '{"a": 1}', "[1, 2]", '{"name":"terminal"}')
SNIPPETS = MARKS + WORDS + ODD + WHOLE
PROSE = st.text(alphabet=st.characters(exclude_characters="{}[]\"'`<\\“”", codec="utf-8"), max_size=40)
QUOTED = st.sampled_from([RUN, ENVELOPE, f"[{RUN}]", f"```json\n{RUN}\n```", f"```\n{ENVELOPE}\n```", f"`{RUN}`"])
INNOCENT = st.sampled_from(['{"port": 8080}', "[1, 2]", "```py\nx = {1: 2}\n```", "{x}", "{}", '{"a": "b" c}'])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "actions", "a"]), inner),
    max_leaves=8,
)


def check(reply: Reply) -> None:
    json.dumps([asked.payload for asked in reply.asked]).encode()
    reply.words.encode()
    assert reply.clean == (reply.unclean_because == "")
    assert len(reply.asked) <= 10


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(SNIPPETS), max_size=30).map("".join))
def test_no_mixture_of_json_pieces_raises(text: str) -> None:
    check(parse(text, KNOWN, ["diary"]))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=200))
def test_no_text_raises(text: str) -> None:
    check(parse(text, KNOWN))


@settings(max_examples=200, deadline=None)
@given(VALUES.map(json.dumps))
def test_no_json_raises(text: str) -> None:
    check(parse(text, KNOWN, ["a"]))


@settings(max_examples=400, deadline=None)
@given(st.lists(PROSE | QUOTED | INNOCENT, min_size=1, max_size=8))
def test_words_never_hold_an_action(parts: list[str]) -> None:
    reply = parse(" ".join(parts), KNOWN)

    assert SECRET not in reply.words
    assert '"payload"' not in reply.words


@settings(max_examples=300, deadline=None)
@given(PROSE.filter(str.strip), QUOTED, PROSE, st.booleans())
def test_a_command_that_is_refused_and_quoted_is_never_in_a_clean_reply(
    before: str, quoted: str, after: str, behind: bool
) -> None:
    reply = parse(f"{quoted} {before}" if behind else f"{before} {quoted} {after}", KNOWN)

    assert not (reply.clean and reply.asked)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, len(ENVELOPE) - 1))
def test_a_reply_that_was_cut_off_is_never_clean_and_never_shown(length: int) -> None:
    reply = parse(ENVELOPE[:length], KNOWN)

    assert not (reply.clean and reply.asked)
    assert "command" not in reply.words


HI = '{"type":"message","payload":{"text":"hi"}}'
TRIES = 12
"""The best of at most so many counts: whoever else uses the machine can make one slow, and none quick."""

HOSTILE = {
    "10 MB of letters": "x" * 10_000_000,
    "10 MB of braces": "{" * 10_000_000,
    "10 MB of lists of objects": "[{" * 5_000_000,
    "10 MB of nested objects": '{"a":' * 2_000_000,
    "1 MB of nested objects": '{"a":' * 190_000,
    "10 MB of quotes": '"' * 10_000_000,
    "10 MB of backslashes": "\\" * 10_000_000,
    "10 MB of backticks": "`" * 10_000_000,
    "10 MB of spaces": " " * 10_000_000,
    "200,000 nested brackets": "[" * 200_000 + "]" * 200_000,
    "200,000 nested brackets in an envelope": '{"actions":' + "[" * 200_000 + "]" * 200_000 + "}",
    "200,000 nested objects in an envelope": '{"actions":' + '{"a":' * 150_000,
    "50,000 actions": '{"actions":[' + ",".join([HI] * 50_000) + "]}",
    "50,000 short actions": '{"actions":[' + ",".join(['{"type":"m"}'] * 50_000) + "]}",
    "50,000 actions on lines": "\n".join([HI] * 50_000),
    "50,000 actions among words": " and ".join([HI] * 50_000),
    "300,000 empty objects": '{"actions":[' + ",".join(["{}"] * 300_000) + "]}",
    "150,000 duplicates": '{"actions":[{' + ",".join(['"a":1'] * 150_000) + "}]}",
    "an unfinished megabyte": '{"actions":[{"type":"message","payload":{"text":"' + "a" * 900_000,
    "unfinished strings": '["a", {"b":"' * 80_000,
    "raw line breaks": '{"text":"\n' * 90_000,
    "marks": '{"type":"message",' * 50_000,
    "padded nesting": ('{"a":' + " " * 900) * 1_000,
    "thinking": "<think>" * 1_000_000,
    "ends of thinking": "</think>" * 100_000,
    "special tokens": "</s>" * 200_000,
    "fences": "```json\n" * 100_000,
    "fences with beginnings": '```{"a' * 150_000,
    "a number of 900,000 digits": '{"actions":' + "1" * 900_000,
    "half characters": '{"type":"event","payload":{"n":"' + "\\ud800" * 100_000 + '"}}',
    "rubbish to repair": '{"actions":[' + "'\"{[,:" * 150_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_it_takes_under_200_ms_for(text: str) -> None:
    tries: list[float] = []
    while len(tries) < TRIES and min(tries, default=1.0) >= 0.2:
        started = time.process_time()
        parse(text, KNOWN)
        tries.append(time.process_time() - started)

    assert min(tries) < 0.2
