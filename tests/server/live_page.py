"""A live server over fakes for the tests of the page in a browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import browser as driver
import pytest
from browser import Browser

from fakes import WordReranker
from inline_scorer import InlineScorer
from shortlist import Search
from shortlist.encoders.hashed import HashedEncoder
from shortlist.server.app import create_app
from shortlist.server.components import Components
from shortlist.server.routes.page import PUBLIC
from shortlist.types import Hit, Passage

uvicorn = pytest.importorskip("uvicorn")

QUERY = "when is tax due"
WORDS = ["cats", "when", "bread", "is", "sleep", "tax", "red", "due"]
TEXTS = [" ".join(word for bit, word in enumerate(WORDS) if place >> bit & 1) or "nothing" for place in range(40)]
TITLES = {3: "<img src=x onerror=alert(1)>", 5: "A" * 200}
RELEVANT = {"p7": 1, "p30": 2, "p39": 1, "p8": 0}
SHOWN = "!document.getElementById('results').hidden && !document.body.classList.contains('busy')"


class Fixed:
    """Stage one: always the same order. Passages with an even number are of kind "even"."""

    def __init__(self) -> None:
        self.texts = TEXTS

    def retrieve(self, query: str, k: int, where: object = None) -> list[Hit]:
        passages = [
            Passage(f"p{i}", text, f"d{i}", TITLES.get(i, ""), metadata={"kind": "odd" if i % 2 else "even"})
            for i, text in enumerate(self.texts, start=1)
        ]
        if where:
            passages = [passage for passage in passages if passage.metadata["kind"] in where["kind"]]
        return [Hit(passage, 1 / i, i, 1 / i, i) for i, passage in enumerate(passages[:k], start=1)]


class PassagesById:
    def get(self, ids: list[str]) -> list[Passage]:
        return [Passage(key, TEXTS[int(key[1:]) - 1]) for key in ids if key[1:].isdigit()]

    def __len__(self) -> int:
        return len(TEXTS)


@contextmanager
def live(
    guard: object = None, reranker: WordReranker | None = None, **components: object
) -> Iterator[tuple[str, uvicorn.Server, WordReranker]]:
    """A server on a free port; `guard` wraps the application."""
    reranker = reranker or WordReranker()
    given = {
        "scorer": InlineScorer(reranker),
        "search": Search(Fixed(), reranker),
        "encoder": HashedEncoder(16),
        "index": PassagesById(),
        "labels": {QUERY: RELEVANT},
        **components,
    }
    with listening(create_app(Components(**given)), guard) as (base, server):
        yield base, server, reranker


@contextmanager
def listening(app: object, guard: object = None) -> Iterator[tuple[str, uvicorn.Server]]:
    """The application on a free port; `guard` wraps it."""
    port = driver.free_port()
    server = uvicorn.Server(uvicorn.Config(guard(app) if guard else app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        thread.join()


def find(page: Browser, base: str, *, pool: int = 20, top_k: int = 5, query: str = QUERY, options: str = "") -> None:
    page.open(f"{base}/#q={quote(query)}&pool_size={pool}&top_k={top_k}{options}")
    page.until(SHOWN)


def order_of(page: Browser, stage: str) -> list[str]:
    return page.run(
        "return [...document.querySelectorAll(`#${arguments[0]} .row`)].map((row) => row.dataset.id)", stage
    )


def guarded(key: str):
    """A layer that requires this key, except for the files of the page."""

    def wrap(app):
        async def guard(scope, receive, send):
            headers = dict(scope.get("headers", []))
            if (
                scope["type"] != "http"
                or scope["path"] in PUBLIC
                or headers.get(b"authorization") == f"Bearer {key}".encode()
            ):
                return await app(scope, receive, send)
            await send(
                {"type": "http.response.start", "status": 401, "headers": [(b"content-type", b"application/json")]}
            )
            await send({"type": "http.response.body", "body": b'{"message": "no key"}'})

        return guard

    return wrap


def set_option(page: Browser, name: str, value: object) -> None:
    """Set a field of the options, and wait for the answer."""
    page.run(
        "const field = document.getElementById(`option-${arguments[0]}`); "
        "if (field.type === 'checkbox') field.checked = arguments[1]; else field.value = arguments[1]; "
        "field.dispatchEvent(new Event('change', { bubbles: true }));",
        name,
        value,
    )
    page.until("!document.body.classList.contains('busy')")
