"""A store over HTTP on loopback. It answers with scripted replies, or by a function that checks each request."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, Any, dict[str, str]]
"""Status, body (bytes, or a value to send as JSON), headers."""


def words_of(text: str) -> list[str]:
    """Return the words of a text, as every stand-in searches them."""
    return re.findall(r"\w+", text.lower())


class Refused(Exception):
    """A request that the vendor refuses: the status, and the vendor's body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


@dataclass(frozen=True)
class Request:
    """A request. `query` has the last value of each parameter, and `queries` all of them."""

    method: str
    path: str
    queries: dict[str, list[str]]
    headers: dict[str, str]
    raw: bytes = field(repr=False)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in self.queries.items()}

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def lines(self) -> list[Any]:
        assert self.raw.endswith(b"\n"), "the last line must end with a newline"
        return [json.loads(line) for line in self.raw.splitlines()]


class StandInStore(ThreadingHTTPServer):
    """`script` has the replies to send first; `answer` makes the others. `seen` records the requests."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Request], Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.script: list[Answer] = []
        self.seen: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        return thread


class Handler(BaseHTTPRequestHandler):
    server: StandInStore
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        queries = parse_qs(parts.query, keep_blank_values=True)
        request = Request(self.command, unquote(parts.path), queries, headers, raw)
        self.server.seen.append(request)
        status, reply, own = self.server.script.pop(0) if self.server.script else (200, None, {})
        if reply is None:
            try:
                reply = self.server.answer(request)
            except Refused as error:
                status, reply = error.status, error.body
        raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **own, "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _answer  # noqa: N815


@contextmanager
def standin_store(answer: Callable[[Request], Any]) -> Iterator[StandInStore]:
    server = StandInStore(answer)
    thread = server.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
