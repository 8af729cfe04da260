"""A server over fakes: scores follow from the texts alone."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import browser as driver
import pytest
from standins import FakePairs
from starlette.testclient import TestClient

from fakes import ListRetriever, WordReranker
from inline_scorer import InlineScorer
from shortlist import Search
from shortlist.encoders.hashed import HashedEncoder
from shortlist.server.app import create_app
from shortlist.server.batching.batcher import Batcher
from shortlist.server.batching.cache import CachedScorer, ScoreCache
from shortlist.server.components import Components
from shortlist.server.middleware.logs import LIBRARIES, NAME, make_log
from shortlist.server.middleware.metrics import Metrics
from shortlist.server.operations import Operations, operated


@dataclass(frozen=True)
class Server:
    """An application behind its layers, and what it is made of."""

    app: Any
    operations: Operations
    reranker: FakePairs
    batcher: Batcher
    log: io.StringIO


PASSAGES = ["cats sleep", "tax is due", "a tax", "red bread", "when tax is due in april"]


@pytest.fixture
def serve() -> Iterator[Callable[..., TestClient]]:
    """Make a client of a server over the given components. Fakes replace those that are not given."""
    clients: list[TestClient] = []

    def make(reranker: Any = None, **components: Any) -> TestClient:
        reranker = WordReranker() if reranker is None else reranker
        given = {
            "scorer": InlineScorer(reranker),
            "search": Search(ListRetriever(PASSAGES), reranker),
            "encoder": HashedEncoder(8),
            **components,
        }
        client = TestClient(create_app(Components(**given)), raise_server_exceptions=False)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(serve: Callable[..., TestClient]) -> TestClient:
    return serve()


@pytest.fixture
def operated_server() -> Iterator[Callable[..., Server]]:
    """Make an application over fakes, behind its layers."""
    batchers: list[Batcher] = []

    def make(*, queue: int = 100, cached: bool = False, log_texts: bool = False, **given: Any) -> Server:
        fake, log, metrics = FakePairs(), io.StringIO(), Metrics()
        batcher = Batcher(fake, queue_pairs=queue, observer=metrics)
        batchers.append(batcher)
        logger = make_log(texts=log_texts, stream=log)
        operations = Operations(metrics=metrics, logger=logger, alive=lambda: batcher.alive, **given)
        search = Search(ListRetriever([f"passage {number}" for number in range(40)]), fake)
        scorer = CachedScorer(batcher, ScoreCache(), "fake", metrics) if cached else batcher
        components = Components(scorer=scorer, search=search, encoder=HashedEncoder(8), observer=metrics)
        return Server(operated(create_app(components), operations), operations, fake, batcher, log)

    yield make
    for batcher in batchers:
        batcher.close()


@pytest.fixture(autouse=True)
def no_log_handlers() -> Iterator[None]:
    """Remove the handlers that `make_log` has set, which write to streams of the test."""
    yield
    for name in (NAME, *LIBRARIES):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[driver.Browser]:
    if driver.missing():
        pytest.skip(driver.missing())
    browser = driver.Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def page(window: driver.Browser) -> Iterator[driver.Browser]:
    """The window, wide and light. The console must be empty at the end."""
    window.look()
    yield window
    window.send("/url", url="about:blank")
    assert window.complaints() == []
