"""Qdrant: `qdrant:COLLECTION@http://host:6333`, a URL of Qdrant Cloud, or the folder of a local client.

The key is read from QDRANT_API_KEY. A collection in memory needs its client. Vectors may have names or not. The
collection can be searched by words if it has sparse vectors of BM25 as Qdrant and FastEmbed make them ("Qdrant/bm25").

Source: https://qdrant.tech/documentation and the package qdrant-client 1.20.0 (read in November 2026).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist.errors import InvalidInput, StoreNotFound
from shortlist.stores.address import StoreAddress
from shortlist.stores.fields import choose, find_fields, kinds_of
from shortlist.stores.filters import EQUALITY, ORDER, Condition
from shortlist.stores.metrics import MetricName
from shortlist.stores.qdrant_filters import filter_of, is_int, point_id
from shortlist.stores.store import Facts, Row, Vector
from shortlist.stores.translating import translated

if TYPE_CHECKING:
    import qdrant_edge
    from qdrant_client import QdrantClient, models

METRICS: Mapping[str, MetricName] = {"Cosine": "cosine", "Dot": "dot", "Euclid": "l2"}
LOCAL_FILE = "meta.json"
MEMORY = ":memory:"
TIMEOUT = 30
PAGE, COPIES = 500, 4
"""Points of one request, and the most points with one id that are expected."""
SAMPLE_POINTS = 20
KNOWN_IDS = 20_000
"""The most passages whose point is remembered."""
SHARED_TERMS = 0.5
"""Of the terms of the stored BM25 vectors, the share that our BM25 must have too."""


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: QdrantClient | None) -> QdrantBackend:
    """Return the backend of a collection. `client` is a `QdrantClient`.

    Raises:
        InvalidInput: Fields or vectors that cannot be used.
        StoreNotFound: No such folder or collection.
        StoreUnreachable: The server does not answer.
        StoreRefused: The key is missing or not accepted.
    """
    with _errors(address.name):
        if client is not None:
            return QdrantBackend(address, fields, client, owns=False)
        own = _client(address)
        try:
            return QdrantBackend(address, fields, own, owns=True)
        except BaseException:
            own.close()
            raise


class QdrantBackend:
    """A collection of Qdrant. Satisfies `stores.store.Backend` and `stores.store.RunsBoth`."""

    def __init__(self, address: StoreAddress, fields: Mapping[str, str], client: QdrantClient, *, owns: bool) -> None:
        self._name, self._collection = address.name, address.collection
        self._client, self._owns = client, owns
        parameters = _parameters(client, address)
        dense = _dense_vectors(parameters)
        vector_name = choose("vector", list(dense), fields, self._name) if dense else None
        sample = client.scroll(self._collection, limit=SAMPLE_POINTS, with_payload=True, with_vectors=True)[0]
        kinds = kinds_of(point.payload or {} for point in sample)
        given = {role: name for role, name in fields.items() if role != "vector"}
        names = find_fields(self._name, given if kinds else {"text": "text", **given}, kinds)
        self._using = vector_name or None
        self._points: dict[str, Any] = {}
        self._sparse = _bm25_name(parameters, sample, names.text, names.title)
        size = None if vector_name is None else dense[vector_name]
        self.facts = Facts(
            self._name,
            names,
            metric=None if size is None else _metric(size, self._name),
            dimension=None if size is None else size.size,
            words=self._sparse is not None,
            exact=type(getattr(client, "_client", None)).__name__ == "QdrantLocal",
            operators=frozenset({*EQUALITY, *ORDER, "prefix"}),
        )

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest points. The score is a cosine, an inner product, or a squared distance."""
        return self._near(self._run([self._dense_request(vector, k, where)])[0])

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` points with the best BM25 score."""
        request = self._words_request(text, k, where)
        return [] if request is None else self._run([request])[0]

    def both(self, vector: Vector, text: str, k: int, where: Sequence[Condition]) -> tuple[list[Row], list[Row]]:
        """Return what `nearest` and `matching` return, in one request."""
        words = self._words_request(text, k, where)
        answers = self._run([self._dense_request(vector, k, where), *([] if words is None else [words])])
        return self._near(answers[0]), answers[1] if words is not None else []

    def vectors(self, ids: Sequence[str]) -> dict[str, Sequence[float]]:
        """Return the vectors of the points with these ids."""
        parts: Any = [self._using] if self._using else True
        field, points = self.facts.fields.id, []
        payload: Any = [field] if field else False
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            known = [self._points[key] for key in page if key in self._points] if field else list(map(point_id, page))
            unknown = [key for key in page if key not in self._points] if field else []
            with _errors(self._name):
                if known:
                    keys = [key for key in known if key is not None]
                    points += self._client.retrieve(self._collection, keys, with_payload=payload, with_vectors=parts)
                if unknown:
                    own = filter_of(Condition(field, (*unknown, *map(int, filter(is_int, unknown)))), "")
                    points += self._client.scroll(
                        self._collection, own, limit=PAGE * COPIES, with_payload=payload, with_vectors=parts
                    )[0]
        return {str(point.payload[field] if field else point.id): self._vector(point) for point in reversed(points)}

    def samples(self, count: int) -> list[tuple[Row, Sequence[float]]]:
        """Return at most `count` points with their vectors."""
        with _errors(self._name):
            points: Any = self._client.scroll(self._collection, limit=count, with_payload=True, with_vectors=True)[0]
        return [(_row(point), self._vector(point)) for point in points]

    def rows(self) -> Iterator[Row]:
        """Yield every point."""
        offset: Any = None
        while True:
            with _errors(self._name):
                points, offset = self._client.scroll(self._collection, limit=PAGE, offset=offset, with_payload=True)
            yield from map(_row, points)
            if offset is None:
                return

    def close(self) -> None:
        """Close the client, unless it was given."""
        if self._owns:
            self._client.close()

    def __len__(self) -> int:
        with _errors(self._name):
            return int(self._client.count(self._collection, exact=True).count)

    def _run(self, requests: list[models.QueryRequest]) -> list[list[Row]]:
        with _errors(self._name):
            answers = self._client.query_batch_points(self._collection, requests=requests)
        rows = [[_row(point) for point in answer.points] for answer in answers]
        self._remember(row for part in rows for row in part)
        return rows

    def _remember(self, rows: Iterable[Row]) -> None:
        """Remember the points of passages, because a search by a field of the payload may read every point."""
        field = self.facts.fields.id
        if field and len(self._points) < KNOWN_IDS:
            self._points.update((str(row.record[field]), row.id) for row in rows if field in row.record)

    def _dense_request(self, vector: Vector, k: int, where: Sequence[Condition]) -> models.QueryRequest:
        return self._request(vector.tolist(), self._using, k, where)

    def _words_request(self, text: str, k: int, where: Sequence[Condition]) -> models.QueryRequest | None:
        from qdrant_client import models

        terms = _bm25().embed_query(text)
        if not terms.indices:
            return None
        return self._request(models.SparseVector(indices=terms.indices, values=terms.values), self._sparse, k, where)

    def _request(self, query: Any, using: str | None, k: int, where: Sequence[Condition]) -> models.QueryRequest:
        from qdrant_client import models

        must: list[Any] = [filter_of(condition, self.facts.fields.metadata) for condition in where]
        own = models.Filter(must=must) if must else None
        return models.QueryRequest(query=query, using=using, limit=k, filter=own, with_payload=True)

    def _near(self, rows: list[Row]) -> list[Row]:
        if self.facts.metric != "l2":
            return rows
        return [row._replace(score=row.score**2) for row in rows]

    def _vector(self, point: Any) -> Sequence[float]:
        vector: Any = point.vector
        if isinstance(vector, Mapping):
            vector = vector.get(self._using or "")
        if vector is None:
            raise InvalidInput(f"{self._name}: point {point.id!r} has no vector")
        return list(vector)


def _errors(store: str) -> Any:
    """Return the context that raises the errors of Qdrant's client as ours."""
    from qdrant_client.http.exceptions import ResponseHandlingException

    return translated(store, (ResponseHandlingException,), key="QDRANT_API_KEY")


def _client(address: StoreAddress) -> QdrantClient:
    from qdrant_client import QdrantClient

    if address.is_url:
        key = os.environ.get("QDRANT_API_KEY", "").strip() or None
        return QdrantClient(url=address.where, api_key=key, timeout=TIMEOUT, check_compatibility=False)
    if address.where == MEMORY:
        raise InvalidInput(
            f"{address.name}: a collection in memory belongs to its client: load_retriever"
            f'("qdrant:{address.collection}", client=client)'
        )
    if not (Path(address.where) / LOCAL_FILE).is_file():
        raise StoreNotFound(
            f"{address.name}: the folder {address.where!r} has no {LOCAL_FILE}, so no local client of Qdrant made it. "
            "The folder of a server needs the server's URL"
        )
    return QdrantClient(path=address.where)


def _parameters(client: QdrantClient, address: StoreAddress) -> Any:
    names = sorted(collection.name for collection in client.get_collections().collections)
    aliases = {alias.alias_name for alias in client.get_aliases().aliases}
    if address.collection not in (*names, *aliases):
        raise StoreNotFound(
            f"{address.name}: there is no collection {address.collection!r}; the store has {', '.join(names) or 'none'}"
        )
    return client.get_collection(address.collection).config.params


def _dense_vectors(parameters: Any) -> dict[str, Any]:
    """Return the parameters of each vector by name; "" is the name of a vector without one."""
    vectors = parameters.vectors
    named = dict(vectors) if isinstance(vectors, Mapping) else {"": vectors} if vectors is not None else {}
    return {name: vector for name, vector in named.items() if vector.multivector_config is None}


def _metric(vector: Any, store: str) -> MetricName:
    distance = str(vector.distance.value)
    if distance not in METRICS:
        raise InvalidInput(f"{store} compares vectors by {distance}: only {', '.join(METRICS)} can be searched")
    return METRICS[distance]


def _bm25() -> qdrant_edge.Bm25:
    import qdrant_edge as engine

    return engine.Bm25(engine.Bm25Config(k=1.2, b=0.75, avg_len=256.0, language="english"))


def _bm25_name(parameters: Any, sample: Sequence[Any], text: str, title: str) -> str | None:
    """Return the name of the sparse vectors that hold BM25 of the texts; None without such vectors.

    Other sparse vectors, such as those of a SPLADE model, have other terms than BM25.
    """
    for name, sparse in (parameters.sparse_vectors or {}).items():
        stored, shared = 0, 0
        for point in sample:
            vector = point.vector.get(name) if isinstance(point.vector, Mapping) else None
            payload = point.payload or {}
            own = _bm25().embed_document(f"{payload.get(title) or ''} {payload.get(text) or ''}")
            stored += len(vector.indices) if vector is not None else 0
            shared += len({*own.indices} & {*vector.indices}) if vector is not None else 0
        is_idf = sparse.modifier is not None and sparse.modifier.value == "idf"
        if is_idf and stored and shared >= SHARED_TERMS * stored:
            return str(name)
    return None


def _row(point: Any) -> Row:
    return Row(point.id, point.payload or {}, float(getattr(point, "score", 0.0)))
