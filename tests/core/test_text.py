"""Texts that are cut into pieces, and links that show where they go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekku.core.text import FENCE, open_links, split_text


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_what_fits_stays_whole() -> None:
    assert split_text("Hello.", 100) == ["Hello."]
    assert split_text("no limit" * 1000, 0) == ["no limit" * 1000]


def test_it_is_cut_between_paragraphs_before_sentences_before_words() -> None:
    assert split_text("One. Two.\n\nThree. Four.", 14) == ["One. Two.", "Three. Four."]
    assert split_text("This is one. This is two.", 15) == ["This is one.", "This is two."]
    assert split_text("alpha beta gamma", 11) == ["alpha beta", "gamma"]
    assert split_text("これは一つ。これは二つ。", 8) == ["これは一つ。", "これは二つ。"]


def test_a_word_that_does_not_fit_is_cut_and_nothing_of_it_is_lost() -> None:
    pieces = split_text("x" * 95, 10)

    assert "".join(pieces) == "x" * 95
    assert max(map(len, pieces)) <= 10


@pytest.mark.parametrize("whole", ["e\u0301", "👩\u200d👩\u200d👧", "👍🏽", "🇮🇹", "नि"])
def test_what_people_see_as_one_character_is_not_parted(whole: str) -> None:
    for limit in range(16, 26):
        pieces = split_text(whole * 30, limit)
        assert all(len(piece) % len(whole) == 0 and piece.startswith(whole) for piece in pieces)


def test_a_code_block_that_fits_goes_into_one_piece() -> None:
    text = "Some words before it, and more of them.\n\n```python\nprint(1)\nprint(2)\n```\nAnd after."

    assert split_text(text, 60) == [
        "Some words before it, and more of them.",
        "```python\nprint(1)\nprint(2)\n```\nAnd after.",
    ]


def test_a_long_code_block_is_closed_and_opened_again() -> None:
    code = "\n".join(f"line {n}" for n in range(40))
    pieces = split_text(f"```python\n{code}\n```", 100)

    assert len(pieces) > 3
    assert all(piece.startswith("```python\n") and piece.endswith("\n```") and len(piece) <= 100 for piece in pieces)
    inner = "\n".join(piece.removeprefix("```python\n").removesuffix("\n```") for piece in pieces)
    assert inner == code


@given(st.text(alphabet=st.sampled_from("ab .\n`~é👍🏽\u200d🇮🇹あ。[]()"), max_size=400), st.integers(24, 80))
def test_every_piece_fits_and_every_word_arrives(text: str, limit: int) -> None:
    for measure in (len, utf16):
        pieces = split_text(text, limit, measure)
        assert all(measure(piece) <= limit for piece in pieces) or pieces == [text]
        if not FENCE.search(text):
            assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[your bank](https://evil.example/x)", "your bank (https://evil.example/x)"),
        ("[https://a.example](https://b.example)", "https://a.example (https://b.example)"),
        ("[https://a.example](https://a.example)", "https://a.example"),
        ("[a.example](https://a.example/)", "https://a.example/"),
        ("![x](https://a.example/i.png)", "x (https://a.example/i.png)"),
        ('[t](<https://a.example> "title")', "t (https://a.example)"),
        ("`[code](https://a.example)`", "`[code](https://a.example)`"),
        ("```\n[code](https://a.example)\n```", "```\n[code](https://a.example)\n```"),
        ("a [1] and (2)", "a [1] and (2)"),
    ],
)
def test_a_link_shows_where_it_goes(text: str, shown: str) -> None:
    assert open_links(text) == shown


def test_hostile_brackets_cost_no_time() -> None:
    brackets = ("[" * 50_000, "[a](" * 20_000, "[x](" + "y" * 50_000)
    ticks = ("`" * 30_000 + "x", "`x" * 30_000, "~~~" * 20_000)
    for text in brackets + ticks:
        assert open_links(text)
