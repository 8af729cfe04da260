"""A server of indexes in this process: the records in dicts, the passages in the engine of folders."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shortlist.errors import IndexLocked, InvalidInput, NotAnIndex, StoreUnreachable
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.protocols import Index


@dataclass
class Stored:
    """What the server has of one index. `writes` counts the changes of records and of the lock."""

    manifest: dict[str, Any] | None = None
    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    holder: object = None
    options: dict[str, Any] = field(default_factory=dict)


class FakeServer:
    """Satisfies `collection.server_place.Server`. `stored` has each index by its name."""

    option_names = frozenset({"shards"})

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stored: dict[str, Stored] = {}
        self.down = False

    def connect(self, name: str, collection: str, where: str, options: Mapping[str, Any]) -> FakeSite:
        if options.keys() - {"shards"}:
            raise InvalidInput(f"index_options: {sorted(options)} has an unknown name", field="index_options")
        return FakeSite(self, name, collection, dict(options))


class FakeSite:
    """Satisfies `collection.server_place.Site`, `Records` and `Lock`."""

    def __init__(self, server: FakeServer, name: str, collection: str, options: dict[str, Any]) -> None:
        self.name = name
        self._server, self._options = server, options
        self._stored = server.stored.setdefault(collection, Stored())
        self._folder = server.folder / collection
        self.folder: Path | None = None
        self.records = self.lock = self

    def manifest(self) -> dict[str, Any] | None:
        self.check_up()
        return copy.deepcopy(self._stored.manifest)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        self.check_up()
        self._stored.manifest = dict(manifest)

    def prepare(self) -> None:
        self.check_up()

    def create(self, manifest: Mapping[str, Any], *, dimension: int) -> Index:
        self._folder.mkdir(parents=True)
        index = EmbeddedEngine().create(self._folder, dimension=dimension)
        self._stored.manifest, self._stored.options = dict(manifest), self._options
        return index

    def open(self, *, dimension: int) -> Index:
        if not self._folder.is_dir():
            raise NotAnIndex(f"{self.name} has no passages")
        return EmbeddedEngine().open(self._folder, dimension=dimension)

    def check_options(self) -> None:
        for name, value in self._options.items():
            if self._stored.options.get(name, 1) != value:
                raise InvalidInput(f"index_options: {name} is {value}", field="index_options")

    def close(self) -> None:
        pass

    def rows(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        self.check_up()
        yield from copy.deepcopy(self._stored.tables.get(table, {})).items()

    def get(self, table: str, key: str) -> dict[str, Any] | None:
        self.check_up()
        return copy.deepcopy(self._stored.tables.get(table, {}).get(key))

    def put(self, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self.check_up()
        for table, rows in tables.items():
            self._stored.tables.setdefault(table, {}).update(copy.deepcopy({k: dict(row) for k, row in rows.items()}))

    def delete(self, table: str, keys: Iterable[str]) -> None:
        self.check_up()
        for key in keys:
            self._stored.tables.get(table, {}).pop(key, None)

    def clear(self, tables: Iterable[str]) -> None:
        for table in tables:
            self._stored.tables.pop(table, None)

    def values(self, table: str, field: str) -> set[str]:
        return {row[field] for row in self._stored.tables.get(table, {}).values()}

    def acquire(self) -> None:
        self.check_up()
        if self._stored.holder is not None:
            raise IndexLocked(f"{self.name} is open for changes in process 1 on here: wait until it ends")
        self._stored.holder = self

    def check(self) -> None:
        if self._stored.holder is not self:
            raise IndexLocked(f"{self.name} is open for changes in process 1 on here")

    def release(self) -> None:
        if self._stored.holder is self:
            self._stored.holder = None

    def check_up(self) -> None:
        if self._server.down:
            raise StoreUnreachable(f"{self.name} does not answer: start the server, or correct the address")
