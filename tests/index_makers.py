"""Makes and opens the index of every engine, for the contract suite and for the tests of engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shortlist.collection import Engine
from shortlist.collection.server_place import Server, Site

if TYPE_CHECKING:
    from shortlist.protocols import Index

NAME = "notes"
MANIFEST = {"encoder": "hashed-64", "dimension": 64, "engine": "any", "format_version": 1}


@dataclass(frozen=True)
class OfFolder:
    """An engine whose index has a folder of its own."""

    engine: Callable[[], Engine]

    def create(self, folder: Path, *, dimension: int) -> Index:
        return self.engine().create(folder, dimension=dimension)

    def open(self, folder: Path, *, dimension: int) -> Index:
        return self.engine().open(folder, dimension=dimension)


@dataclass(frozen=True)
class OfServer:
    """An engine whose index is on a server. The server is in this process, and keeps its files in the folder."""

    server: Callable[[], Server]
    package: str

    def site(self, folder: Path) -> Site:
        pytest.importorskip(self.package)
        return self.server().connect(NAME, NAME, str(folder), {})

    def create(self, folder: Path, *, dimension: int) -> Index:
        site = self.site(folder)
        site.prepare()
        return site.create(MANIFEST, dimension=dimension)

    def open(self, folder: Path, *, dimension: int) -> Index:
        return self.site(folder).open(dimension=dimension)


@dataclass(frozen=True)
class InMemory(OfServer):
    """An engine whose server keeps everything in the memory of a client. A folder has the same client every time."""

    client: Callable[[], Any]

    def site(self, folder: Path) -> Site:
        pytest.importorskip(self.package)
        if folder not in CLIENTS:
            CLIENTS[folder] = self.client()
        return self.server(CLIENTS[folder]).connect(NAME, NAME, "", {})  # type: ignore[call-arg]


CLIENTS: dict[Path, Any] = {}
