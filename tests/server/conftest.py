"""A server over fakes: scores follow from the texts alone."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standins import FakePairs
from starlette.testclient import TestClient

from fakes import ListRetriever, WordReranker
from shortlist.encoders.hashed import HashedEncoder
from shortlist.search.pipeline import Shortlist
from shortlist.server.app import Parts, create_app
from shortlist.server.batching.batcher import Batcher
from shortlist.server.batching.cache import CachedScorer, ScoreCache
from shortlist.server.batching.scorer import InlineScorer
from shortlist.server.middleware.logs import make_log
from shortlist.server.middleware.metrics import Metrics
from shortlist.server.operations import Operations, operated

PASSAGES = ["cats sleep", "tax is due", "a tax", "red bread", "when tax is due in april"]


@pytest.fixture
def serve() -> Iterator[Callable[..., TestClient]]:
    """Makes a client of a server over the given parts; fakes stand in for what is not given."""
    opened: list[TestClient] = []

    def make(reranker: Any = None, **parts: Any) -> TestClient:
        used = WordReranker() if reranker is None else reranker
        given = {
            "scorer": InlineScorer(used),
            "shortlist": Shortlist(ListRetriever(PASSAGES), used),
            "encoder": HashedEncoder(8),
            **parts,
        }
        client = TestClient(create_app(Parts(**given)), raise_server_exceptions=False)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def client(serve: Callable[..., TestClient]) -> TestClient:
    return serve()


@pytest.fixture
def made() -> Iterator[Callable[..., Any]]:
    """Makes an application over fakes, its operations, batcher and log; `cached` keeps scores."""
    held: list[Batcher] = []

    def make(*, queue: int = 100, cached: bool = False, log_texts: bool = False, **given: Any) -> Any:
        fake, log, metrics = FakePairs(), io.StringIO(), Metrics()
        batcher = Batcher(fake, queue_pairs=queue, watch=metrics)
        held.append(batcher)
        logger = make_log(texts=log_texts, stream=log)
        operations = Operations(metrics=metrics, logger=logger, well=lambda: batcher.alive, **given)
        shortlist = Shortlist(ListRetriever([f"passage {n}" for n in range(40)]), fake)
        scorer = CachedScorer(batcher, ScoreCache(), "fake", metrics) if cached else batcher
        parts = Parts(scorer, shortlist=shortlist, encoder=HashedEncoder(8), watch=metrics)
        return operated(create_app(parts), operations), operations, fake, log

    yield make
    for one in held:
        one.close()
    for name in ("shortlist.server", "uvicorn.error"):
        logging.getLogger(name).handlers = []
