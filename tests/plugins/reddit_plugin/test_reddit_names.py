"""How people and models write what is on Reddit."""

import pytest

from rekku.plugins._reddit_plugin.checks import subreddit_name, thing_id


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("rust", "rust"),
        ("r/rust", "rust"),
        ("/r/rust/", "rust"),
        ("R/Rust", "Rust"),
        ("https://www.reddit.com/r/rust/", "rust"),
        ("rrr", "rrr"),
        ("u_somebody", "u_somebody"),
        ("r/", ""),
        ("a b", ""),
        ("../admin", ""),
        ("rust?x=1", ""),
        ("", ""),
        ("https://[", ""),
    ],
)
def test_a_subreddit(written: str, meant: str) -> None:
    assert subreddit_name(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("t3_1abcde", "t3_1abcde"),
        (" t1_xyz ", "t1_xyz"),
        ("https://www.reddit.com/r/rust/comments/1abcde/version_2/", "t3_1abcde"),
        ("https://old.reddit.com/r/rust/comments/1abcde/version_2/kl0mn/?context=3", "t1_kl0mn"),
        ("https://www.reddit.com/r/rust/comments/1abcde/comment/kl0mn/", "t1_kl0mn"),
        ("reddit.com/comments/1abcde", "t3_1abcde"),
        ("https://redd.it/1abcde", "t3_1abcde"),
        ("https://www.reddit.com/r/rust/s/AbCdEf", ""),
        ("https://www.reddit.com/r/rust/comments/", ""),
        ("https://reddit.com.evil.example/comments/1abcde", ""),
        ("https://[/comments/1abcde", ""),
        ("t2_somebody", ""),
        ("1abcde", ""),
        ("", ""),
    ],
)
def test_a_post_or_a_comment(written: str, meant: str) -> None:
    assert thing_id(written) == meant
