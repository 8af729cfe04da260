"""The servers of indexes that the tests of the collection run over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from fake_server import FakeServer
from shortlist import registry
from shortlist.collection.engines import Engines
from shortlist.indexes.qdrant import QdrantEngine
from standin_qdrant import StandInQdrant
from standin_store import StandInStore, standin_store


@contextmanager
def fake(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    """Yield the name of an index on a server in this process."""
    servers = {"fake": FakeServer(folder / "server")}
    patch.setattr(registry, "SERVERS", servers)
    patch.setattr(registry, "INDEXES", Engines(registry.ENGINES, servers))
    yield "fake:notes@http://127.0.0.1:1"


@contextmanager
def qdrant(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    """Yield the name of an index on the stand-in of a Qdrant server."""
    with standin_qdrant() as server:
        yield f"qdrant:notes@{server.url}"


@contextmanager
def local(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    """Yield the name of an index of Qdrant's local client in a folder."""
    pytest.importorskip("qdrant_client")
    yield f"qdrant:notes@{folder / 'qdrant'}"


SERVERS: Mapping[str, Callable[[pytest.MonkeyPatch, Path], Any]] = MappingProxyType(
    {"fake": fake, "qdrant server": qdrant, "qdrant folder": local}
)


@contextmanager
def standin_qdrant(**options: Any) -> Iterator[StandInStore]:
    """Yield the stand-in of a Qdrant server. `server.qdrant` has its collections."""
    client = pytest.importorskip("qdrant_client").QdrantClient(":memory:")
    own = StandInQdrant(client, **options)
    with standin_store(own.answer) as server:
        server.qdrant = own  # type: ignore[attr-defined]
        yield server


def in_memory() -> QdrantEngine:
    """Return an engine whose server is a client in memory."""
    return QdrantEngine(pytest.importorskip("qdrant_client").QdrantClient(":memory:"))
