"""The place of an index on Qdrant: two collections of one server, and the lock."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput, MissingExtra, NotAnIndex, StoreRefused
from shortlist.indexes.points import WORDS
from shortlist.indexes.qdrant.calls import KEY, QdrantCalls
from shortlist.indexes.qdrant.index import DENSE, FIELDS, SPARSE, QdrantIndex
from shortlist.indexes.qdrant.lock import QdrantLock
from shortlist.indexes.qdrant.options import CHECKS, FIELD, QdrantOptions
from shortlist.indexes.qdrant.records import ROW, TABLE, QdrantRecords
from shortlist.redaction import without_secrets

MARK = "shortlist"
"""The key of a collection's metadata that holds the manifest of the index, or the name of the index of the records."""
RECORDS = ".shortlist"
"""What the name of the records' collection has after the name of the index."""
RECORDS_OF = "records_of"
OLDEST = (1, 16)
"""The first version of the server with metadata of collections and with conditional updates."""
LOCAL_FILE = "meta.json"
MEMORY = ":memory:"
EXAMPLE = "qdrant:notes@http://127.0.0.1:6333"
KEYS = {WORDS: "keyword", FIELDS: "keyword"}
KEYS_OF_RECORDS = {TABLE: "keyword", f"{ROW}.source": "keyword", f"{ROW}.holder": "keyword", f"{ROW}.beat": "integer"}
"""The fields of the payload that are searched, with the kinds of their indexes."""
PARAMETERS = {
    "shards": "shard_number",
    "replicas": "replication_factor",
    "write_consistency": "write_consistency_factor",
}
"""Option of a new index -> the parameter of the collection."""


class QdrantEngine:
    """Finds indexes on Qdrant. Satisfies `collection.server_place.Server`.

    `client` is a `QdrantClient`, which is not closed. None: each place has a client of its own.
    """

    option_names = frozenset(CHECKS)

    def __init__(self, client: Any = None) -> None:
        self._client = client

    def connect(self, name: str, collection: str, where: str, options: Mapping[str, Any]) -> QdrantPlace:
        """Return the place of the index in `collection`, which may not exist yet.

        Args:
            name: The name of the place for messages, without secrets.
            collection: The collection of the passages. Its records are in `collection` + `RECORDS`.
            where: The URL of the server, or the folder of a local client.
            options: See `QdrantOptions`.

        Raises:
            InvalidInput: An option that cannot be used, or no `where`.
            MissingExtra: The client is not installed.
        """
        own = QdrantOptions.of(options)
        if self._client is None and where in ("", MEMORY):
            memory = ". A collection in memory needs its client: load_retriever(NAME, client=client)" if where else ""
            raise InvalidInput(f"{name!r} needs the place of the index: write {EXAMPLE}{memory}")
        try:
            import qdrant_client  # noqa: F401
        except ImportError as error:
            raise MissingExtra(f"an index on Qdrant ({name})", "qdrant") from error
        return QdrantPlace(name, collection, where, own, self._client)


class QdrantPlace:
    """The place of one index. Satisfies `collection.server_place.Site`. The first request makes the connection.

    Every method raises StoreUnreachable if the server does not answer, and StoreRefused if the server refuses the key
    or the request, or is too old.
    """

    def __init__(self, name: str, collection: str, where: str, options: QdrantOptions, client: Any = None) -> None:
        self.name = name
        self._collection, self._where, self._options, self._client = collection, where, options, client

    @cached_property
    def records(self) -> QdrantRecords:
        """The records of the index."""
        return QdrantRecords(self._calls, f"{self._collection}{RECORDS}")

    @cached_property
    def lock(self) -> QdrantLock:
        """The lock of the index. A folder has no other process that could take it, and needs no signs of life."""
        return QdrantLock(self.records, self.name, beats=not self._calls.is_local)

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest of the index, or None if there is no index.

        Raises:
            NotAnIndex: There is a collection of this name that is not an index.
        """
        if self._is_missing_folder():
            return None
        present = self._present(self._collection)
        if present is None:
            return None
        mark = (present.config.metadata or {}).get(MARK)
        if not isinstance(mark, dict) or RECORDS_OF in mark:
            raise NotAnIndex(
                f"{self.name}: shortlist did not make the collection {self._collection!r}, and does not change it. "
                "Search it as a retriever, or give the index another name"
            )
        return dict(mark)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace the manifest of an index.

        Raises:
            IndexWriteFailed: The server cannot write it.
        """
        mark = {MARK: dict(manifest)}
        self._calls.write(lambda: self._calls.client.update_collection(self._collection, metadata=mark))

    def prepare(self) -> None:
        """Make the collection of the records if it is missing, and the keyword indexes of both collections.

        Raises:
            NotAnIndex: There is a collection of this name that shortlist did not make.
            InvalidInput: An option is for a server, and this is a folder.
            IndexWriteFailed: The server cannot make them.
        """
        self._check_local_options()
        replicas = self._options.replicas or 1
        self._make(
            f"{self._collection}{RECORDS}",
            {RECORDS_OF: self._collection},
            vectors_config={},
            shard_number=1,
            replication_factor=replicas,
            write_consistency_factor=max(self._options.write_consistency or 1, replicas // 2 + 1),
        )
        self._add_keys(f"{self._collection}{RECORDS}", KEYS_OF_RECORDS)
        if self._present(self._collection) is not None:
            self._add_keys(self._collection, KEYS)

    def create(self, manifest: Mapping[str, Any], *, dimension: int) -> QdrantIndex:
        """Return a new, empty index. `prepare` was called before.

        Raises:
            NotAnIndex: There is a collection of this name.
            IndexWriteFailed: The server cannot make the collection.
        """
        from qdrant_client import models

        self._make(
            self._collection,
            dict(manifest),
            vectors_config={DENSE: models.VectorParams(size=dimension, distance=models.Distance.DOT)},
            sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            shard_number=self._options.shards,
            replication_factor=self._options.replicas,
            write_consistency_factor=self._options.write_consistency,
        )
        self._add_keys(self._collection, KEYS)
        return self.open(dimension=dimension)

    def open(self, *, dimension: int) -> QdrantIndex:
        """Return the index.

        Raises:
            NotAnIndex: There is no such collection, or it has other vectors than an index of this dimension.
        """
        present = None if self._is_missing_folder() else self._present(self._collection)
        dense = None if present is None else (present.config.params.vectors or {}).get(DENSE)
        if dense is None or dense.size != dimension:
            raise NotAnIndex(
                f"{self.name}: there is no collection {self._collection!r} with vectors of length {dimension}: the "
                "index is damaged. Remove its collections and rebuild it"
            )
        return QdrantIndex(self._calls, self.records, self._collection, dimension, self._options, self.lock.check)

    def check_options(self) -> None:
        """Raise an error if the index was made with other options than the given ones.

        Raises:
            InvalidInput: An option of new indexes differs from that of this index.
        """
        self._check_local_options()
        present = self._present(self._collection)
        for name, value in self._options.of_new.items() if present is not None else ():
            own = getattr(present.config.params, PARAMETERS[name]) or 1
            if own != value:
                raise InvalidInput(
                    f"{FIELD}: {name} is {value}, and {self.name} was made with {own}: leave out {name}, or copy the "
                    "index to a new one",
                    field=FIELD,
                )

    @property
    def folder(self) -> Path | None:
        """The folder of a local client; None for a server."""
        return None if self._client is not None or "://" in self._where else Path(self._where)

    def close(self) -> None:
        """Release the connection. A second call does nothing."""
        if "_calls" in self.__dict__:
            self._calls.close()

    @cached_property
    def _calls(self) -> QdrantCalls:
        if self._client is not None:
            return QdrantCalls(self._client, self.name, owns=False)
        return QdrantCalls.of(self.name, lambda: _client(self._where, self._options.timeout))

    def _is_missing_folder(self) -> bool:
        return self.folder is not None and not (self.folder / LOCAL_FILE).is_file()

    def _check_local_options(self) -> None:
        if self._options.of_new and self._calls.is_local:
            raise InvalidInput(
                f"{FIELD}: {next(iter(self._options.of_new))} is for a server, and {self.name} has none: leave it out",
                field=FIELD,
            )

    def _present(self, collection: str) -> Any:
        """Return the description of a collection, or None if there is no such collection."""
        return self._calls.known(lambda: self._calls.client.get_collection(collection))

    def _make(self, collection: str, mark: dict[str, Any], **parameters: Any) -> None:
        """Make a collection with this mark. If it exists, check that the mark is its own."""
        present = self._present(collection)
        if present is None:
            given = {name: value for name, value in parameters.items() if value is not None}
            self._calls.make(lambda: self._calls.client.create_collection(collection, metadata={MARK: mark}, **given))
            present = self._present(collection)
        if present is None or (present.config.metadata or {}).get(MARK) != mark:
            raise NotAnIndex(
                f"{self.name}: the collection {collection!r} belongs to something else, and shortlist does not change "
                "it: give the index another name"
            )

    def _add_keys(self, collection: str, keys: Mapping[str, str]) -> None:
        """Make the indexes of the payload that are missing. A local client has none."""
        if self._calls.is_local:
            return
        schema = self._present(collection).payload_schema
        for key, kind in keys.items():
            if key not in schema:
                self._calls.write(
                    lambda key=key, kind=kind: self._calls.client.create_payload_index(  # type: ignore[misc]
                        collection, key, kind, wait=True
                    )
                )


def _client(where: str, timeout: int) -> Any:
    """Return a client. The server must be recent enough."""
    from qdrant_client import QdrantClient

    if "://" not in where:
        return QdrantClient(path=where, force_disable_check_same_thread=True)
    key = os.environ.get(KEY, "").strip() or None
    client = QdrantClient(url=where, api_key=key, timeout=timeout, check_compatibility=False)
    version = str(client.info().version)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        client.close()
        raise StoreRefused(
            f"the Qdrant server at {without_secrets(where)} has version {version}: an index needs "
            f"{'.'.join(map(str, OLDEST))} or newer. Update the server"
        )
    return client
