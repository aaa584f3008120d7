"""`rekku chat -m` against a small local server that speaks the OpenAI protocol, and without it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.cli.conftest import Shell
from tests.cli.test_the_command_line import one_line

ENVELOPE = '{"actions":[{"type":"message","payload":{"text":"hi"}}]}'


class Model(BaseHTTPRequestHandler):
    """Answers every chat request with the same reply."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": ENVELOPE}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def model_server(port: int = 0) -> Iterator[int]:
    """The server for the block; its port."""
    with ThreadingHTTPServer(("127.0.0.1", port), Model) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_reply_is_all_that_is_on_standard_output(rekku: Shell) -> None:
    with model_server() as port:
        done = rekku("chat", "-m", "hello", OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1")

    assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")


def test_without_the_server_words_come_soon_and_the_message_is_answered_at_the_next_start(rekku: Shell) -> None:
    with model_server() as port:
        url = f"http://127.0.0.1:{port}/v1"
    began = time.monotonic()
    done = rekku("chat", "-m", "hello", OPENAI_BASE_URL=url)

    assert time.monotonic() - began < 55, "it is not put off, which would be for a minute"
    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr)

    with model_server(port):
        done = rekku("chat", "-m", "and now?", OPENAI_BASE_URL=url)
    assert (done.returncode, done.stdout) == (0, "hi\n"), done.stderr
    assert done.stderr == "hi\n"
