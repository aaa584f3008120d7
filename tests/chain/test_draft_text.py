"""What a person sees of a reply while it is being written."""

import itertools
import json
import time
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rekku.chain.draft_text import DraftText
from rekku.chain.parser import parse

TRIES = 12
"""The best of at most so many counts: whoever else uses the machine can make one slow, and none quick."""

OWN = ("message", "message_cli")
KNOWN = frozenset({"message", "message_cli", "message_web", "terminal"})
RUN = '{"type":"terminal","payload":{"command":"ls","text":"secret"}}'
HI = '{"type":"message","payload":{"text":"hi there"}}'


def drafts(pieces: Iterable[str]) -> list[str]:
    draft = DraftText(OWN)
    return [shown for piece in pieces if (shown := draft.feed(piece)) is not None]


def last(text: str) -> str:
    """The last draft of a reply that comes letter by letter; "" if nothing was shown."""
    return (drafts(text) or [""])[-1]


SHOWN = {
    "an envelope": ('{"actions":[' + HI + "]}", "hi there"),
    "a list": (f"[{HI}]", "hi there"),
    "one action": (HI, "hi there"),
    "one code fence": (f"```json\n{HI}\n```", "hi there"),
    "a code fence without a language": (f"```\n{HI}", "hi there"),
    "an action before the message": ('{"actions":[' + RUN + "," + HI, "hi there"),
    "fields before the actions": ('{"diary":{"text":"psst","type":"message"},"actions":[' + HI + "]}", "hi there"),
    "an own type": (HI.replace("message", "message_cli"), "hi there"),
    "a target that is null": ('{"type":"message","payload":{"target":null,"text":"hi"}}', "hi"),
    "an unfinished message": ('{"type":"message","payload":{"text":"hi th', "hi th"),
    "escapes": (r'{"type":"message","payload":{"text":"a\n\"b\" \ud83d\ude00 \u00e9', 'a\n"b" \U0001f600 \u00e9'),
    "half a character": (r'{"type":"message","payload":{"text":"a\ud83d b', "a\ufffd b"),
    "only the first message": (f"[{HI},{HI.replace('hi', 'ho')}]", "hi there"),
    "a message to here behind one to elsewhere": (
        '[{"type":"message","payload":{"target":"Bob","text":"psst"}},' + HI + "]",
        "hi there",
    ),
    "plain words": ("Hello, you!", "Hello, you!"),
    "words with brackets": ("See [1] and {x} and <b>.", "See [1] and {x} and <b>."),
    "words with inline code": ("`ls` lists files.", "`ls` lists files."),
    "words with code": ("Try:\n```python\nx = 1\n```\nDone.", "Try:\n```python\nx = 1\n```\nDone."),
    "code first": ("```python\nx = 1\n```\nDone.", "```python\nx = 1\n```\nDone."),
    "code whose last fence may be the first of JSON": ("```python\nx = 1\n```\n", "```python\nx = 1"),
    "a heart": ("<3 you", "<3 you"),
    "quoted words": ('"To be" is', '"To be" is'),
    "words behind thinking": ("<think>hm {</think>\nHello", "Hello"),
    "a message behind thinking": ("<Reasoning>hm</reasoning>" + HI, "hi there"),
    "words before an action": ("Sure. " + RUN, "Sure."),
    "words before a list": ("Sure. [" + RUN + "]", "Sure."),
    "words before a fence of JSON": (f"Sure.\n```json\n{RUN}\n```", "Sure."),
    "words before a fence of anything": (f"Sure.\n```\n{RUN}\n```", "Sure."),
    "words before a tool call": ("Sure. <tool_call>" + RUN, "Sure."),
    "words before a special token": ("Sure.<|im_end|>", "Sure."),
}


@pytest.mark.parametrize(("text", "expected"), SHOWN.values(), ids=SHOWN)
def test_of_a_reply_is_shown(text: str, expected: str) -> None:
    assert last(text) == expected
    assert (drafts([text]) or [""])[-1] == expected


HIDDEN = {
    "another action": RUN,
    "a message to another chat": '{"type":"message","payload":{"target":"Bob","text":"psst"}}',
    "a message to another interface": '{"type":"message","payload":{"interface":"web","text":"psst"}}',
    "a message to another thread": '{"type":"message","payload":{"thread_id":7,"text":"psst"}}',
    "a message with its target outside": '{"type":"message","target":"Bob","payload":{"text":"psst"}}',
    "another interface's type": HI.replace("message", "message_web"),
    "a type that comes too late": '{"payload":{"text":"psst"},"type":"message"}',
    "a text beside the type": '{"type":"message","text":"psst"}',
    "a text deeper inside": '{"type":"message","payload":{"more":{"text":"psst"}}}',
    "an envelope inside something else": '{"example":{"actions":[' + HI + "]}}",
    "JSON in a string": json.dumps(HI),
    "thinking": "<think>I want to say hi",
    "thinking that ends": "<think>I want</think>",
    "a special token": "<|channel|>analysis<|message|>hm",
    "no JSON": '{"type" "message","payload":{"text":"psst"}}',
    "a number for a text": '{"type":"message","payload":{"text":7}}',
    "other JSON": '{"text":"psst"}',
    "spaces": " \n ",
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_nothing_is_shown_of(text: str) -> None:
    assert drafts(text) == []


def test_a_target_behind_the_text_withdraws_the_draft() -> None:
    draft = DraftText(OWN)

    assert draft.feed('{"type":"message","payload":{"text":"psst",') == "psst"
    assert not draft.withdrawn
    assert draft.feed('"target":"Bob"}}') is None
    assert draft.withdrawn


def test_nothing_new_is_none() -> None:
    draft = DraftText(OWN)

    assert draft.feed("Hi") == "Hi"
    assert draft.feed(" ") is None
    assert draft.feed("you") == "Hi you"


def cut(text: str, places: list[int]) -> list[str]:
    at = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in itertools.pairwise(at)]


PLACES = st.lists(st.integers(0, 10_000), max_size=60)
TEXTS = st.text(alphabet=st.sampled_from('ab"\\/\n\t{}[]:, é😀\ud83d\ude00`<'), min_size=1, max_size=60)


def is_growing(shown: list[str]) -> bool:
    return all(later.startswith(earlier) for earlier, later in itertools.pairwise(shown))


AROUND = st.sampled_from(
    [("", ""), ('{"actions":[', "]}"), ("[", "]"), ("```json\n", "\n```"), ("<think>a</think>", "")]
)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.booleans(), AROUND, PLACES)
def test_drafts_of_a_message_grow_towards_its_text(
    text: str, ascii_only: bool, around: tuple[str, str], places: list[int]
) -> None:
    action = json.dumps({"type": "message", "payload": {"text": text}}, ensure_ascii=ascii_only)
    reply = action.join(around)

    shown = drafts(cut(reply, places))

    (asked,) = parse(reply, KNOWN).asked
    assert is_growing(shown)
    assert (shown or [""])[-1] == (asked.payload["text"] if text.strip() else "")


WORDS = (
    "Hello",
    " you",
    "\n\n",
    "`x`",
    "```py\ny = {1: 2}\n```",
    "[1]",
    "{x}",
    "{}",
    " < 3",
    "é😀",
    '{"a": 1}',
    "</s>",
)
ACTIONS = (
    RUN,
    f"[{RUN}]",
    f"\n```json\n{RUN}\n```\n",
    f"\n```\n{RUN}\n```\n",
    f"<tool_call>{RUN}</tool_call>",
    "<|im_end|>",
)
PARTS = st.sampled_from(WORDS + ACTIONS)


@settings(max_examples=400, deadline=None)
@example([WORDS[4], WORDS[4], "Hello", ACTIONS[2]], [])  # two fences in one line: what opens, and what closes?
@example([WORDS[4], WORDS[4], "Hello", ACTIONS[3]], [])
@given(st.lists(PARTS, min_size=1, max_size=8), PLACES)
def test_drafts_of_words_grow_and_never_hold_an_action(parts: list[str], places: list[int]) -> None:
    reply = "Well " + "".join(parts)

    shown = drafts(cut(reply, places))

    words = parse(reply, KNOWN).words
    assert is_growing(shown)
    assert all(words.startswith(text) for text in shown)
    assert all("type" not in text and "payload" not in text and "tool_call" not in text for text in shown)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("abc .,!?\n[]()`'é😀"), min_size=1, max_size=60), PLACES)
def test_drafts_of_plain_words_are_prefixes_of_the_reply(text: str, places: list[int]) -> None:
    words = parse(text, KNOWN).words

    assert all(words.startswith(shown) for shown in drafts(cut(text, places)))


ANYTHING = st.lists(st.sampled_from([*'{}[]:,"\\u0d8cantl<>`', '"type":"message"', '"payload":{"text":"']))


@settings(max_examples=300, deadline=None)
@given(ANYTHING)
def test_no_reply_raises(pieces: list[str]) -> None:
    assert is_growing(drafts(pieces))


@pytest.mark.parametrize(
    "text",
    [
        HI[:-3] + "word " * 10_000 + HI[-3:],
        "word " * 10_000,
        '{"diary":"' + "word " * 10_000 + '","actions":[' + HI + "]}",
        "<think>" + "word " * 10_000 + "</think>" + HI,
        "`" * 50_000,
        '{"a":' * 10_000,
        "{" + " " * 50_000,
        '"' + " " * 50_000,
    ],
)
def test_a_long_reply_in_small_pieces_costs_little(text: str) -> None:
    tries: list[float] = []
    while len(tries) < TRIES and min(tries, default=1.0) >= 0.5:
        started = time.process_time()
        drafts(text[i : i + 4] for i in range(0, len(text), 4))
        tries.append(time.process_time() - started)

    assert min(tries) < 0.5
