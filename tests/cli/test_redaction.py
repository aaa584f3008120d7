"""No secret reaches a log record."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from rekku.redaction import Redaction

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def written() -> Iterator[tuple[logging.Logger, Redaction, io.StringIO]]:
    """A logger, its redaction, and what it wrote."""
    stream, redaction = io.StringIO(), Redaction()
    handler = logging.StreamHandler(stream)
    handler.addFilter(redaction)
    log = logging.getLogger("rekku.tests.redaction")
    log.propagate = False
    log.addHandler(handler)
    yield log, redaction, stream
    log.removeHandler(handler)


def test_secrets_are_taken_out_of_messages_arguments_and_tracebacks(
    written: tuple[logging.Logger, Redaction, io.StringIO],
) -> None:
    log, redaction, stream = written
    redaction.learn(["hunter2!", "two\nlines-of-key"])
    log.warning("password hunter2! and %s", {"key": "two\nlines-of-key"})
    log.warning("https://api.telegram.org/bot%s/getMe", TOKEN)
    try:
        raise RuntimeError(f"refused for hunter2! at {TOKEN}")
    except RuntimeError:
        log.exception("It failed.", stack_info=True)

    text = stream.getvalue()
    assert "RuntimeError" in text
    assert "[secret]" in text
    for secret in ("hunter2!", "lines-of-key", TOKEN):
        assert secret not in text


def test_names_that_sound_secret_count_before_anything_is_declared(
    written: tuple[logging.Logger, Redaction, io.StringIO],
) -> None:
    log, redaction, stream = written
    redaction.learn_names({"X_API_KEY": "sesame-open", "DB_PASS": "swordfish", "TZ": "Europe", "A_TOKEN": "abc"})
    log.info("ignored")
    log.error("sesame-open swordfish Europe abc")

    assert stream.getvalue() == "[secret] [secret] Europe abc\n"


def test_a_record_that_cannot_be_put_together_is_written_all_the_same(
    written: tuple[logging.Logger, Redaction, io.StringIO],
) -> None:
    log, _, stream = written
    log.error("%d apples", "some")

    assert "%d apples" in stream.getvalue()
    assert sys.exc_info() == (None, None, None)


def test_a_number_with_a_colon_is_no_token(written: tuple[logging.Logger, Redaction, io.StringIO]) -> None:
    log, _, stream = written
    log.error("port 127.0.0.1:8080, at 1700000000:12")

    assert stream.getvalue() == "port 127.0.0.1:8080, at 1700000000:12\n"
