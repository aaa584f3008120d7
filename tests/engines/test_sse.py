"""Events out of bytes."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekku.llm_engines._openai.sse import Events, TooLong


@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1), max_size=5),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(0, 300), max_size=20),
)
def test_events_are_the_same_however_the_bytes_are_cut(texts: list[str], newline: str, cuts: list[int]) -> None:
    lines = [f": a comment{newline}event: x{newline}data: {text}{newline}{newline}" for text in texts]
    # A last line that begins an event, so that an end of a line in \r alone is known to be one.
    raw = "".join(lines).encode() + b":"
    places = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    events = Events()
    found = [event for start, end in pairwise(places) for event in events.feed(raw[start:end])]
    assert found == [text.encode() for text in texts]


def test_an_end_of_a_line_in_a_return_alone_does_not_wait_for_the_next() -> None:
    events = Events()
    assert list(events.feed(b"data: a\r\r")) == []
    assert list(events.feed(b":")) == [b"a"]


def test_data_in_several_lines_is_one_event() -> None:
    assert list(Events().feed(b"data: a\ndata:b\n\ndata:\n\n")) == [b"a\nb"]


@pytest.mark.parametrize("piece", [b"x", b"data: x\n", b"\r", b"data: \r\n\r\n"])
def test_too_much_is_refused_in_linear_time(piece: bytes) -> None:
    events = Events(max_event=200_000, max_wire=400_000)
    began = time.process_time()
    with pytest.raises(TooLong):
        fill(events, piece)
    assert time.process_time() - began < 10


def fill(events: Events, piece: bytes) -> None:
    for _ in range(400_001):
        list(events.feed(piece))
