"""A server over fakes: scores follow from the texts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from fakes import ListRetriever, WordReranker
from shortlist.encoders.hashed import HashedEncoder
from shortlist.pipeline import Shortlist
from shortlist.server.app import Parts, create_app
from shortlist.server.scorer import InlineScorer

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
