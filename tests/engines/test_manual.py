"""The owner as the model."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekku.core.actions import Action, Field
from rekku.core.message import Conversation
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.llm_engines.manual import ManualEngine, render
from tests.engines.conftest import adopt

PROMPT: dict[str, Any] = {
    "context": {
        "history": [{"from": "Anna", "at": "2026-11-23T10:00", "text": f"line {n}"} for n in range(10)],
        "time": "Monday, 10:00",
        "weather": {"celsius": 3},
    },
    "input": {
        "type": "message",
        "interface": "cli",
        "payload": {
            "text": "Roll a die, please.",
            "source": {"chat_id": "local", "chat": None, "user": {"id": "1", "name": "Anna", "tag": ""}},
            "reply_to": [{"from": "you", "text": "What next?"}],
        },
    },
}
DICE = Action("roll_dice", "", (Field("sides", required=True), Field("colour")), {})
SCHEMA = {"properties": {"actions": {"type": "array", "items": {"anyOf": [DICE.schema()]}}}}


def messages(*steps: dict[str, Any]) -> ChatMessages:
    found: ChatMessages = [
        {"role": "system", "content": "You are Rekku. " * 1000},
        {"role": "user", "content": json.dumps(PROMPT)},
    ]
    for step in steps:
        found += [{"role": "assistant", "content": "{}"}, {"role": "user", "content": json.dumps(step)}]
    return found


async def test_the_owner_reads_the_prompt_and_answers_in_words() -> None:
    engine = ManualEngine()
    desk = adopt(engine).desk
    where = Conversation("cli", "local")

    asking = asyncio.create_task(engine.generate_response(messages(), ModelCall(conversation=where, schema=SCHEMA)))
    await asyncio.sleep(0)
    [question] = desk.waiting.values()
    assert question.conversation == where
    assert json.loads(question.prompt) == messages()
    desk.answer(question.number, "Hello, Anna.")

    assert await asking == "Hello, Anna."
    assert not desk.waiting


def test_a_prompt_says_who_speaks_what_is_known_and_what_may_be_done() -> None:
    text = render(messages(), SCHEMA)

    assert text.splitlines()[:3] == [
        "Anna says in cli local:",
        "  Roll a die, please.",
        "  in reply to: you: What next?",
    ]
    assert "Anna: line 9" in text
    assert "line 6" not in text
    assert 'weather: {"celsius": 3}' in text
    assert "roll_dice: sides, colour?" in text
    assert "plain words" in text.splitlines()[-1]
    assert "You are Rekku" not in text


def test_what_came_back_is_shown_of_the_last_step_only() -> None:
    first = {"errors": ["payload.sides is required"]}
    last = {"outputs": [{"action": "roll_dice", "output": "It fell on 4."}], "note": "Say something."}

    text = render(messages(first, last), SCHEMA)

    assert "It fell on 4." in text
    assert "note: Say something." in text
    assert "payload.sides" not in text
    assert "payload.sides is required" in render(messages(first), SCHEMA)


def test_a_long_prompt_stays_on_one_screen_and_cannot_steer_the_terminal() -> None:
    prompt = json.loads(json.dumps(PROMPT))
    prompt["input"]["payload"]["text"] = "\x1b[2J\x1b]0;gotcha\x07" + "word " * 5000
    prompt["context"] |= {f"fact{n}": "x" * 500 for n in range(100)}
    schema = {"anyOf": [Action(f"act{n}", "", (), {}).schema() for n in range(100)]}
    outputs = {"outputs": ["y " * 10_000] * 20}

    text = render(
        [*messages(outputs)[:1], {"role": "user", "content": json.dumps(prompt)}, *messages(outputs)[2:]], schema
    )

    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text.splitlines()) <= 45
    assert max(map(len, text.splitlines())) <= 80


def test_a_picture_is_mentioned() -> None:
    prompt = json.loads(json.dumps(PROMPT))
    prompt["input"]["payload"]["attachments"] = ["image: cat.png"]
    parts = [{"type": "text", "text": json.dumps(prompt)}, {"type": "image_url", "image_url": {"url": "data:x"}}]

    text = render([{"role": "user", "content": parts}])

    assert "Roll a die" in text
    assert "with image: cat.png" in text


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["input", "context", "payload", "history", "text", "user", "source", "outputs", "errors", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(content=ANYTHING, schema=ANYTHING)
def test_any_shape_can_be_shown(content: Any, schema: Any) -> None:
    text = render(
        [{"role": "user", "content": json.dumps(content)}, {"role": "user", "content": content}, content], schema
    )
    assert text.splitlines()[-1].startswith("Answer in plain words")


@pytest.mark.parametrize("depth", [5_000])
def test_deep_nesting_can_be_shown(depth: int) -> None:
    assert render([{"role": "user", "content": "[" * depth}])
