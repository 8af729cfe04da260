"""Chroma: `chroma:COLLECTION@FOLDER` or `chroma:COLLECTION@http://host:port`.

CHROMA_API_KEY, CHROMA_TENANT and CHROMA_DATABASE of the environment apply to a server, as in Chroma's own client.
Chroma on one machine has no search by words.

Source: https://docs.trychroma.com and the package chromadb 1.5.9 (read in November 2026).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from shortlist.errors import InvalidInput, StoreNotFound
from shortlist.stores.address import StoreAddress
from shortlist.stores.fields import FieldKind, Fields, find_fields, kinds_of
from shortlist.stores.filters import EQUALITY, ORDER, Condition, cannot
from shortlist.stores.metrics import MetricName
from shortlist.stores.store import Facts, Row, Vector
from shortlist.stores.translating import translated

DOCUMENT = "document"
"""The name for Chroma's own field with the text, next to the names of the metadata."""
METRICS: Mapping[str, MetricName] = {"cosine": "cosine", "ip": "dot", "l2": "l2"}
DATABASE_FILE = "chroma.sqlite3"
TIMEOUT = 30.0
PAGE = 300
"""Rows of one request. Chroma's own cloud allows no more."""
SAMPLE_ROWS = 20


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> ChromaBackend:
    """Return the backend of a collection. `client` is a client of chromadb.

    Raises:
        InvalidInput: Fields that cannot be used.
        StoreNotFound: No such folder or collection.
        StoreUnreachable: The server does not answer.
        StoreRefused: The key is missing or not accepted.
    """
    with translated(address.name, key="CHROMA_API_KEY"):
        if client is not None:
            return ChromaBackend(address, fields, client, owns=False)
        own = _server(address) if address.is_url else _folder(address)
        try:
            return ChromaBackend(address, fields, own, owns=True)
        except BaseException:
            own.close()
            raise


class ChromaBackend:
    """A collection of Chroma. Satisfies `stores.store.Backend`."""

    def __init__(self, address: StoreAddress, fields: Mapping[str, str], client: Any, *, owns: bool) -> None:
        self._name, self._client, self._owns = address.name, client, owns
        self._collection = _collection(client, address)
        self._metric = _metric(self._collection, self._name)
        sample = self._collection.get(limit=SAMPLE_ROWS, include=["documents", "metadatas", "embeddings"])
        self.facts = Facts(
            self._name,
            _fields(self._name, fields, [row.record for row in _rows(sample)]),
            metric=METRICS[self._metric],
            dimension=len(sample["embeddings"][0]) if len(sample["ids"]) else None,
            operators=EQUALITY | ORDER,
        )

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is a cosine, an inner product, or a squared distance."""
        for condition in where:
            if condition.field == self.facts.fields.text == DOCUMENT:
                raise cannot(self._name, condition, "its filters read the metadata, and no document")
        with translated(self._name):
            result = self._collection.query(
                query_embeddings=[vector.tolist()],
                n_results=k,
                where=_filter(where, self._name),
                include=["documents", "metadatas", "distances"],
            )
        lists = {name: result[name][0] for name in ("ids", "documents", "metadatas")}
        distances = result["distances"][0]
        return [
            row._replace(score=float(distance) if self._metric == "l2" else 1.0 - float(distance))
            for row, distance in zip(_rows(lists), distances, strict=True)
        ]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Raise InvalidInput: Chroma on one machine cannot search by words."""
        raise InvalidInput(f"{self._name} cannot be searched by words")

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of the rows with these ids."""
        id_field = self.facts.fields.id
        stored: dict[str, Vector] = {}
        for start in range(0, len(ids), PAGE):
            page = list(ids[start : start + PAGE])
            with translated(self._name):
                if id_field:
                    result = self._collection.get(
                        where=_filter([_equal(id_field, page)]), include=["metadatas", "embeddings"]
                    )
                    keys = [str(metadata[id_field]) for metadata in result["metadatas"]]
                else:
                    result = self._collection.get(ids=page, include=["embeddings"])
                    keys = result["ids"]
            stored |= dict(zip(keys, result["embeddings"], strict=True))
        return stored

    def samples(self, count: int) -> list[tuple[Row, Vector]]:
        """Return at most `count` rows with their vectors."""
        with translated(self._name):
            result = self._collection.get(limit=count, include=["documents", "metadatas", "embeddings"])
        return list(zip(_rows(result), result["embeddings"], strict=True))

    def rows(self) -> Iterator[Row]:
        """Yield every row."""
        offset = 0
        while True:
            with translated(self._name):
                result = self._collection.get(limit=PAGE, offset=offset, include=["documents", "metadatas"])
            if not result["ids"]:
                return
            yield from _rows(result)
            offset += len(result["ids"])

    def close(self) -> None:
        """Close the client, unless it was given."""
        if self._owns:
            self._client.close()

    def __len__(self) -> int:
        with translated(self._name):
            return int(self._collection.count())


def _folder(address: StoreAddress) -> Any:
    import chromadb
    from chromadb.config import Settings

    if not (Path(address.where) / DATABASE_FILE).is_file():
        raise StoreNotFound(
            f"{address.name}: the folder {address.where!r} has no {DATABASE_FILE}, so it is no Chroma store"
        )
    try:
        return chromadb.PersistentClient(address.where, settings=Settings(anonymized_telemetry=False))
    except ValueError:  # the program has opened this folder with other settings, which then apply
        return chromadb.PersistentClient(address.where)


def _server(address: StoreAddress) -> Any:
    import chromadb
    from chromadb.config import Settings

    parts = urlsplit(address.where)
    port = parts.port or (443 if parts.scheme == "https" else 8000)
    key = os.environ.get("CHROMA_API_KEY", "").strip()
    with translated(address.name, where=f"{parts.hostname}:{port}"):
        httpx.get(f"{parts.scheme}://{parts.hostname}:{port}/api/v2/heartbeat", timeout=TIMEOUT)
    client = chromadb.HttpClient(
        host=parts.hostname or "",
        port=port,
        ssl=parts.scheme == "https",
        headers={"x-chroma-token": key} if key else None,
        settings=Settings(anonymized_telemetry=False),
        tenant=os.environ.get("CHROMA_TENANT") or chromadb.DEFAULT_TENANT,
        database=os.environ.get("CHROMA_DATABASE") or chromadb.DEFAULT_DATABASE,
    )
    session = getattr(getattr(client, "_server", None), "_session", None)
    if isinstance(session, httpx.Client):
        session.timeout = httpx.Timeout(TIMEOUT)  # the client waits without end
    return client


def _collection(client: Any, address: StoreAddress) -> Any:
    from chromadb.errors import NotFoundError

    try:
        return client.get_collection(address.collection, embedding_function=None)
    except (NotFoundError, ValueError) as error:
        names = sorted(collection.name for collection in client.list_collections())
        if address.collection in names:
            raise
        raise StoreNotFound(
            f"{address.name}: there is no collection {address.collection!r}; the store has {', '.join(names) or 'none'}"
        ) from error


def _metric(collection: Any, store: str) -> str:
    """Return the metric: of the configuration, or of the metadata of older versions, which the configuration lacks."""
    own = (collection.metadata or {}).get("hnsw:space")
    configuration = collection.configuration_json or {}
    index = configuration.get("hnsw") or configuration.get("spann") or {}
    metric = own or index.get("space") or "l2"
    if metric not in METRICS:
        raise InvalidInput(f"{store} compares vectors by {metric!r}: only {', '.join(METRICS)} can be searched")
    return str(metric)


def _fields(store: str, given: Mapping[str, str], records: Sequence[Mapping[str, Any]]) -> Fields:
    kinds: dict[str, FieldKind] = kinds_of(records)
    usual = {} if records and DOCUMENT not in kinds else {"text": DOCUMENT, **given}
    return find_fields(store, {**usual, **given}, kinds, own_ids=True)


def _rows(result: Mapping[str, Any]) -> list[Row]:
    columns = zip(result["ids"], result["documents"], result["metadatas"], strict=True)
    return [
        Row(key, {**(metadata or {}), **({} if document is None else {DOCUMENT: document})})
        for key, document, metadata in columns
    ]


def _equal(field: str, ids: Sequence[str]) -> Condition:
    return Condition(field, (*ids, *(int(key) for key in ids if key.isdigit())))


def _filter(where: Sequence[Condition], store: str = "") -> dict[str, Any] | None:
    """Return Chroma's filter. A field is one of the values, or a list with one of them. Chroma orders numbers alone."""
    parts = [part for condition in where for part in _parts(condition, store)]
    if not parts:
        return None
    return {"$and": parts} if len(parts) > 1 else parts[0]


def _parts(condition: Condition, store: str) -> list[dict[str, Any]]:
    field = condition.field
    if condition.is_order:
        if condition.number is None:
            raise cannot(store, condition, "Chroma orders numbers, and no dates: store the date as a number too")
        return [{field: {f"${condition.operator}": condition.number.value}}]
    if condition.operator == "nin":
        parts: list[dict[str, Any]] = [{field: {"$nin": list(values)}} for values in condition.typed()]
        return parts + [{field: {"$not_contains": value}} for value in condition.values]
    options: list[dict[str, Any]] = [{field: {"$in": list(values)}} for values in condition.typed()]
    options += [{field: {"$contains": value}} for value in condition.values]
    return [{"$or": options} if len(options) > 1 else options[0]]
