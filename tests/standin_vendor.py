"""A rerank service on loopback. It answers with scripted replies, or in a vendor's recorded form."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any, dict[str, str]]
"""Status, body (bytes, or a value to send as JSON), headers."""


def worth(query: str, text: str) -> float:
    """The service's score of a pair, 0 to 1."""
    return zlib.crc32(f"{query}|{text}".encode()) % 1000 / 1000


def scored(query: str, texts: list[str]) -> list[tuple[int, float]]:
    """(index, score), best first, as every vendor sorts."""
    return sorted(((place, worth(query, text)) for place, text in enumerate(texts)), key=lambda row: -row[1])


class StandInVendor(ThreadingHTTPServer):
    """`script` has the replies to send first; `answer` makes the others. `seen` records paths, bodies and headers."""

    daemon_threads = True

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.script: list[Answer] = []
        self.seen: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: StandInVendor
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
        status, reply, headers = self.server.script.pop(0) if self.server.script else (200, None, {})
        if reply is None:
            reply = self.server.answer(body)
        raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(raw)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


def cohere(body: dict[str, Any]) -> Any:
    rows = [{"index": i, "relevance_score": s} for i, s in scored(body["query"], body["documents"])]
    return {"id": "0b6f", "results": rows, "meta": {"api_version": {"version": "2"}, "billed_units": {}}}


def jina(body: dict[str, Any]) -> Any:
    texts = body["documents"]
    rows = [{"index": i, "relevance_score": s, "document": {"text": texts[i]}} for i, s in scored(body["query"], texts)]
    return {"model": body.get("model"), "usage": {"total_tokens": 18}, "results": rows}


def voyage(body: dict[str, Any]) -> Any:
    rows = [{"relevance_score": s, "index": i} for i, s in scored(body["query"], body["documents"])]
    return {"object": "list", "data": rows, "model": body["model"], "usage": {"total_tokens": 21}}


def mixedbread(body: dict[str, Any]) -> Any:
    return {"data": [{"index": i, "score": s, "input": None} for i, s in scored(body["query"], body["input"])]}


def pinecone(body: dict[str, Any]) -> Any:
    texts = [document["text"] for document in body["documents"]]
    return {"model": body["model"], "data": [{"index": i, "score": s} for i, s in scored(body["query"], texts)]}


def tei(body: dict[str, Any]) -> Any:
    return [{"index": i, "score": s} for i, s in scored(body["query"], body["texts"])]


@contextmanager
def standin_vendor(answer: Callable[[dict[str, Any]], Any] = jina) -> Iterator[StandInVendor]:
    server = StandInVendor(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
