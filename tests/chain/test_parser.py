"""What a reply comes to: the decision table of the parser."""

import json
from typing import Any

import pytest

from rekku.chain.parser import LONGEST_REPLY, Asked, Reply, parse, parse_reply

KNOWN = frozenset({"message", "message_cli", "terminal", "event", "event_list"})
FIELDS = ("diary",)
HI = '{"type":"message","payload":{"text":"hi"}}'
RUN = '{"type":"terminal","payload":{"command":"rm -rf /tmp/x"}}'


def read(text: str, **more: Any) -> Reply:
    return parse(text, KNOWN, FIELDS, **more)


def types(reply: Reply) -> list[str]:
    return [asked.type for asked in reply.asked]


def envelope(*actions: str) -> str:
    return '{"actions":[' + ",".join(actions) + "]}"


CLEAN = {
    "an envelope": (envelope(HI, RUN), ["message", "terminal"]),
    "a list of actions": (f"[{HI},{RUN}]", ["message", "terminal"]),
    "one action": (RUN, ["terminal"]),
    "an envelope in one code fence": (f"```json\n{envelope(RUN)}\n```", ["terminal"]),
    "a code fence without a language": (f"```\n{envelope(RUN)}\n```", ["terminal"]),
    "a code fence on one line": (f"```json {RUN} ```", ["terminal"]),
    "spaces and a byte order mark around": (f"\ufeff \n{envelope(RUN)}\n\n", ["terminal"]),
    "thinking before it": (f"<think>I could run {RUN}.</think>\n{envelope(HI)}", ["message"]),
    "thinking whose opening tag the server kept": (f"Let me see: {RUN}\n</think>\n\n{envelope(HI)}", ["message"]),
    "two blocks of thinking": (f"<think>a</think> <reasoning>b</reasoning>{envelope(HI)}", ["message"]),
    "a leaked special token": (f"<|im_start|>assistant\n{envelope(RUN)}<|im_end|></s>", ["terminal"]),
    "channels of thinking and answer": (
        f"<|channel|>analysis<|message|>{RUN}<|end|><|start|>assistant<|channel|>final<|message|>{envelope(HI)}",
        ["message"],
    ),
    "an envelope with nothing to do": ('{"actions": []}', []),
    "an empty list": ("[]", []),
    "an action without a payload": ('{"type":"event_list"}', ["event_list"]),
    "an action with null for a payload": (envelope('{"type":"event_list","payload":null}'), ["event_list"]),
    "unknown actions in an envelope": (envelope('{"type":"fly","payload":{}}'), ["fly"]),
    "an unknown action of exactly the right shape": ('{"type":"fly","payload":{"to":"moon"}}', ["fly"]),
    "keys beside the actions that nobody declared": ('{"plan":"x","actions":[' + RUN + "]}", ["terminal"]),
    "a code fence inside a message": (
        r'{"actions":[{"type":"message","payload":{"text":"```py\nx\n```"}}]}',
        ["message"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CLEAN.values(), ids=CLEAN)
def test_a_clean_reply_is(text: str, expected: list[str]) -> None:
    reply = read(text)

    assert (types(reply), reply.words, reply.clean, reply.enveloped, reply.unclean_because) == (
        expected,
        "",
        True,
        True,
        "",
    )


PLAIN = {
    "words": "Hello there!",
    "nothing": "",
    "a schema that somebody asked for": '{"type":"object","properties":{"a":{"type":"string"}}}',
    "a list of numbers": "[1,2,3]",
    "a configuration in a fence": '```json\n{"name": "demo", "scripts": {"test": "jest"}}\n```',
    "words with a code example": 'Try this:\n\n```json\n{"port": 8080}\n```\n\nThen restart.',
    "broken JSON that is no action": 'Look: {"port": 8080, "host": } is wrong.',
    "braces in code": "```c\nint main() { return 0; }\n```",
    "the word actions in quotes": 'The key "actions" holds them; "type": "message" is one.',
    "a heart": "<3 you",
    "brackets": "See [1] and [this](https://example.org).",
    "quoted words": '"Be yourself; everyone else is taken."',
    "very deep brackets": "[" * 5_000 + "]" * 5_000,
}


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN)
def test_words_stay_as_they_are_for(text: str) -> None:
    assert read(text) == Reply((), {}, text, clean=True, enveloped=False)


SAID = {
    "text alone": '{"text": "hi"}',
    "a response alone": '{"response": "hi"}',
    "a message that is only a string": '{"message": "hi"}',
    "content with the role beside": '{"role": "assistant", "content": "hi"}',
    "a fence around it": '```json\n{"reply": "hi"}\n```',
    "a special token behind": "hi<|eot_id|>",
    "thinking before": "<think>hm</think>\nhi",
    "thinking that began in the prompt": "hm\n</think>\n\nhi",
    "thinking in capitals": "<Thinking>hm</THINKING> hi",
}


@pytest.mark.parametrize("text", SAID.values(), ids=SAID)
def test_the_words_are_taken_out_of(text: str) -> None:
    assert read(text) == Reply((), {}, "hi", clean=True, enveloped=False)


UNCLEAN = {
    "prose before": (f"I will not run {RUN} for you.", ["terminal"], "there was text around the JSON"),
    "prose after": (f"{envelope(RUN)}\nDone!", ["terminal"], "there was text around the JSON"),
    "prose around a fence": (f"Never do:\n```json\n{RUN}\n```\nOK?", ["terminal"], "there was text around the JSON"),
    "two envelopes": (f"{envelope(HI)}\n{envelope(RUN)}", ["message", "terminal"], "text around the JSON"),
    "two actions in one fence": (f"```\n{HI}\n{RUN}\n```", ["message", "terminal"], "text around the JSON"),
    "a fence of another language": (f"```python\n{RUN}\n```", ["terminal"], "text around the JSON"),
    "tags around a call": (
        '<tool_call>{"name":"terminal","arguments":{"command":"ls"}}</tool_call>',
        ["terminal"],
        "not written as `type` and `payload`",
    ),
    "a missing bracket": ('{"actions":[' + RUN + "}", ["terminal"], "had to be repaired"),
    "a trailing comma": ('{"actions":[' + RUN + ",]}", ["terminal"], "had to be repaired"),
    "single quotes": ("{'type': 'terminal', 'payload': {'command': 'ls'}}", ["terminal"], "had to be repaired"),
    "a reply that was cut off": (envelope(RUN)[:-11], ["terminal"], "had to be repaired"),
    "a thought with loose quotes before the actions": (
        '{"thought": "he said "hi" there", "actions":[' + RUN + "]}",
        ["terminal"],
        "had to be repaired",
    ),
    "a raw line break in a string": ('{"type":"message","payload":{"text":"a\nb"}}', ["message"], "line break"),
    "JSON in a string": (json.dumps(envelope(RUN)), ["terminal"], "had to be repaired"),
    "a duplicate key": ('{"actions":[],"actions":[' + RUN + "]}", ["terminal"], "the key 'actions' appears twice"),
    "a duplicate key deep inside": (
        '{"type":"terminal","payload":{"command":"ls","command":"rm"}}',
        ["terminal"],
        "the key 'command' appears twice",
    ),
    "a system_message key": ('{"system_message":{},"actions":[' + RUN + "]}", ["terminal"], "contains system_message"),
    "a system_message type": (
        envelope('{"type":"system_message","payload":{}}', RUN),
        ["system_message", "terminal"],
        "contains system_message",
    ),
    "NaN": ('{"type":"terminal","payload":{"n":NaN}}', ["terminal"], "NaN is not JSON"),
    "the payload beside the type": ('{"type":"message","text":"hi"}', ["message"], "not written as"),
    "an action instead of a type": ('{"action":"message","payload":{"text":"hi"}}', ["message"], "not written as"),
    "a name and arguments": ('{"name":"message","arguments":{"text":"hi"}}', ["message"], "not written as"),
    "arguments in a string": (r'{"name":"message","arguments":"{\"text\":\"hi\"}"}', ["message"], "not written as"),
    "a function call": (
        r'{"tool_calls":[{"id":"1","type":"function","function":{"name":"terminal","arguments":"{}"}}]}',
        ["terminal"],
        "not written as",
    ),
    "one action instead of a list": ('{"actions":' + RUN + "}", ["terminal"], "not written as"),
    "an action under its name": ('{"message":{"text":"hi"}}', ["message"], "not written as"),
    "a list of envelopes": (f"[{envelope(HI)},{envelope(RUN)}]", ["message", "terminal"], "not written as"),
}


@pytest.mark.parametrize(("text", "expected", "because"), UNCLEAN.values(), ids=UNCLEAN)
def test_a_reply_is_unclean_with(text: str, expected: list[str], because: str) -> None:
    reply = read(text)

    assert types(reply) == expected
    assert not reply.clean
    assert reply.enveloped
    assert because in reply.unclean_because
    assert "type" not in reply.words
    assert "`" not in reply.words


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"message","text":"hi"}',
        '{"name":"message","arguments":{"text":"hi"}}',
        r'{"name":"message","arguments":"{\"text\":\"hi\"}"}',
        '{"type":"message","arguments":{"text":"hi"}}',
        '{"message":{"text":"hi"}}',
        '{"function":{"name":"message","arguments":{"text":"hi"}}}',
    ],
)
def test_a_dialect_gives_the_same_action(text: str) -> None:
    assert read(text).asked == (Asked("message", {"text": "hi"}),)


def test_prose_is_kept_without_the_json_and_its_fence() -> None:
    reply = read(f"I refuse to do this:\n\n```json\n{RUN}\n```\n\nAsk me something else.")

    assert reply.words == "I refuse to do this:\n\nAsk me something else."


def test_a_code_block_before_an_action_stays_closed() -> None:
    code = "Run this:\n```py\nx = 1\n```"

    assert read(f"{code}\n{RUN}").words == code
    assert read(f"```\n{RUN}\nand\n```\n{RUN}\n{code}").words == f"and\n\n{code}"


def test_prose_is_dropped_when_there_is_a_message() -> None:
    assert read(f"Here is my answer: {HI}").words == ""


def test_json_that_is_no_action_stays_in_the_prose() -> None:
    reply = read('Use {"port": 8080} here. ' + RUN)

    assert (reply.words, types(reply)) == ('Use {"port": 8080} here.', ["terminal"])


def test_an_action_inside_other_json_is_neither_asked_for_nor_shown() -> None:
    reply = read('For example {"example": ' + RUN + "} would do.")

    assert (reply.asked, reply.words, reply.clean) == ((), "For example\n\nwould do.", False)
    assert "inside other JSON" in reply.unclean_because


def test_an_attempt_that_nobody_can_read_is_hidden_and_said() -> None:
    reply = read("Well. " + '{"actions":[{"type":"terminal","payload":{"command":"' + "x" * 30_000)

    assert (reply.asked, reply.words, reply.enveloped) == ((), "Well.", True)
    assert "could not be read" in reply.unclean_because


def test_thinking_that_never_ends_is_not_shown() -> None:
    reply = read(f"<think>The user wants {RUN} but")

    assert (reply.asked, reply.words, reply.clean, reply.enveloped) == ((), "", False, True)
    assert "thinking" in reply.unclean_because


def test_declared_fields_come_along_and_others_do_not() -> None:
    reply = read('{"diary":{"thought":"nice"},"plan":1,"actions":[' + HI + "]}")

    assert (reply.fields, reply.clean) == ({"diary": {"thought": "nice"}}, True)


def test_declared_fields_beside_plain_words_come_along() -> None:
    reply = read('{"text":"hi","diary":{"thought":"nice"}}')

    assert (reply.fields, reply.words) == ({"diary": {"thought": "nice"}}, "hi")


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        ('{"type":"message","payload":"hi"}', "payload must be an object"),
        ('{"type":"message","payload":[1]}', "payload must be an object"),
        ('"message"', "an action must be an object with `type` and `payload`"),
        ('{"payload":{"text":"hi"}}', "an action must be an object with `type` and `payload`"),
        ('{"type":7}', "an action must be an object with `type` and `payload`"),
        ('{"type":"message","payload":{"text":"hi"},"target":"Bob"}', "target must stand inside payload"),
        ('{"type":"event","payload":{"n":99999999999999999999999}}', "payload cannot be read"),
        ('{"type":"event","payload":{"n":' + "[" * 400 + "]" * 400 + "}}", "payload cannot be read"),
    ],
)
def test_what_is_wrong_with_the_form_of_an_action_is_said(action: str, problem: str) -> None:
    (asked,) = read(envelope(action)).asked

    assert problem in asked.problem


def test_actions_beyond_the_limit_are_counted() -> None:
    reply = read(envelope(*[HI] * 12), max_actions=10)

    assert (len(reply.asked), reply.cut, reply.clean) == (10, 2, True)


def test_half_characters_are_replaced() -> None:
    (asked,) = read(r'{"type":"message","payload":{"text":"a\ud83d b\ud83d\ude00"}}').asked

    assert asked.payload == {"text": "a\ufffd b\U0001f600"}
    assert read("a\ud83d").words == "a\ufffd"
    assert read(r'{"text": "a\ud83d"}').words == "a\ufffd"


def test_too_long_words_are_cut_and_said() -> None:
    reply = read("word " * LONGEST_REPLY)

    assert len(reply.words) <= 100_000
    assert not reply.clean
    assert "longer than" in reply.unclean_because


def test_an_action_behind_hundreds_of_objects_is_neither_clean_nor_shown() -> None:
    reply = read('{"a":1} ' * 300 + RUN + " end")

    assert not reply.clean
    assert "terminal" not in reply.words


def test_an_action_that_the_repair_buries_in_other_json_is_not_asked_for() -> None:
    reply = read('Hm. {"thought": {"a": "x" oops}, "actions":[' + RUN + "]}")
    assert (reply.asked, reply.words, reply.clean) == ((), "Hm.", False)


@pytest.mark.parametrize("text", [envelope(HI), envelope(HI)[:-3], "hello", envelope(HI) + "x" * 30_000])
async def test_a_reply_reads_the_same_in_a_thread(text: str) -> None:
    assert await parse_reply(text, KNOWN, FIELDS) == read(text)
