"""Weaviate: `weaviate:COLLECTION@http://host:8080`, or the URL of a cloud cluster with the key in WEAVIATE_API_KEY.

Vectors by `near_vector`, words by `bm25`, in two queries of Weaviate's own client, because its API for plain HTTP,
GraphQL, ends in 2027. The client uses gRPC, at port 50051 of the same host unless the URL ends with `?grpc_port=PORT`.
Weaviate compares text in filters by words, so rows with other values are dropped after a filter.

Sources: https://docs.weaviate.io/weaviate/search/similarity, https://docs.weaviate.io/weaviate/search/bm25 and
https://docs.weaviate.io/weaviate/config-refs/distances (read in November 2026).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.search.filters import Operator
from shortlist.stores.address import StoreAddress
from shortlist.stores.fields import choose, find_fields
from shortlist.stores.filters import ORDER, Condition, check_known
from shortlist.stores.metrics import MetricName
from shortlist.stores.store import Facts, Row, Vector
from shortlist.stores.translating import translated
from shortlist.stores.weaviate_schema import Schema, allowed, filter_of, has_one_of, limit_of, read_schema

KEY = "WEAVIATE_API_KEY"
METRICS: Mapping[str, MetricName] = {"cosine": "cosine", "dot": "dot", "l2-squared": "l2"}
CLOUD = (".weaviate.cloud", ".weaviate.network", ".weaviate.io")
GRPC_PORT = 50051
OPERATORS: frozenset[Operator] = frozenset({*ORDER, "in"})
"""Weaviate compares text by words, so a row may equal more than the value: "!=" would leave out too many rows."""
LARGEST_K = 10_000
"""Weaviate's default limit of rows of one query (QUERY_MAXIMUM_RESULTS)."""
PAGE = 1000


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> WeaviateBackend:
    """Return the backend of a collection. `client` is a connected WeaviateClient.

    Raises:
        InvalidInput: Fields or vectors that cannot be used.
        StoreNotFound: No such collection.
        StoreUnreachable: The server does not answer.
        StoreRefused: The key is missing or not accepted.
    """
    return WeaviateBackend(address, fields, client)


class WeaviateBackend:
    """A collection of Weaviate. Satisfies `stores.store.Backend`."""

    def __init__(self, address: StoreAddress, given: Mapping[str, str], client: Any) -> None:
        self._name = address.name
        self._owns = client is None
        self._client = client or self._call(_connected, address)
        try:
            self._schema = self._read_schema(address.collection)
            self._objects = self._client.collections.get(address.collection)
            self.facts = self._facts(given)
            if self.facts.metric is not None:
                size = next((len(vector) for _, vector in self.samples(1)), None)
                self.facts = replace(self.facts, dimension=size)
        except BaseException:
            self.close()
            raise

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is a cosine, an inner product, or a squared distance."""
        from weaviate.classes.query import MetadataQuery

        options = {"return_metadata": MetadataQuery(distance=True), "target_vector": self._target()}
        rows = self._filtered(self._objects.query.near_vector, k, where, near_vector=vector.tolist(), **options)
        return [row._replace(score=self._score(item.metadata.distance)) for row, item in rows]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the highest BM25 score."""
        from weaviate.classes.query import MetadataQuery

        fields = self.facts.fields
        names = [name for name in (fields.title, fields.text) if name in self._schema.searchable]
        options = {"query_properties": names, "return_metadata": MetadataQuery(score=True)}
        rows = self._filtered(self._objects.query.bm25, k, where, query=text, **options)
        return [row._replace(score=float(item.metadata.score)) for row, item in rows]

    def vectors(self, ids: Sequence[str]) -> dict[str, Sequence[float]]:
        """Return the vectors of the rows with these ids."""
        stored: dict[str, Sequence[float]] = {}
        key = self.facts.fields.id
        for start in range(0, len(ids), PAGE):
            objects = self._fetched(key, list(ids[start : start + PAGE]))
            for row, vector in self._with_vectors(objects):
                stored.setdefault(str(row.record[key] if key else row.id), vector)
        return stored

    def samples(self, count: int) -> list[tuple[Row, Sequence[float]]]:
        """Return at most `count` rows with their vectors."""
        return self._with_vectors(
            self._call(self._objects.query.fetch_objects, limit=count, include_vector=True).objects
        )

    def rows(self) -> Iterator[Row]:
        """Yield every row."""
        last = None
        while True:
            page = self._call(self._objects.query.fetch_objects, limit=PAGE, after=last).objects
            yield from map(_row, page)
            if len(page) < PAGE:
                return
            last = page[-1].uuid

    def close(self) -> None:
        """Close the client, unless it was given."""
        if self._owns:
            self._client.close()

    def __len__(self) -> int:
        return int(self._call(self._objects.aggregate.over_all, total_count=True).total_count)

    def _read_schema(self, collection: str) -> Schema:
        if not self._call(self._client.collections.exists, collection):
            names = ", ".join(sorted(self._call(self._client.collections.list_all))) or "none"
            raise StoreNotFound(f"{self._name}: there is no collection {collection!r}; the collections are {names}")
        return read_schema(self._call(self._client.collections.get(collection).config.get))

    def _facts(self, given: Mapping[str, str]) -> Facts:
        schema = self._schema
        names = {role: name for role, name in given.items() if role != "vector"}
        fields = find_fields(self._name, names, schema.kinds, schema=True)
        words = fields.text in schema.searchable
        if not schema.metrics:
            return Facts(self._name, fields, words=words, largest_k=LARGEST_K, operators=OPERATORS)
        name = choose("vector", list(schema.metrics), given, self._name)
        if schema.metrics[name] not in METRICS:
            raise InvalidInput(
                f"{self._name}: the vectors are compared by {schema.metrics[name]}, which is not supported"
            )
        return Facts(
            self._name,
            replace(fields, vector=name),
            METRICS[schema.metrics[name]],
            words=words,
            exact=schema.flat,
            largest_k=LARGEST_K,
            operators=OPERATORS,
        )

    def _target(self) -> str | None:
        """Return the name of the vectors; None for the only ones of an older collection."""
        name = self.facts.fields.vector
        return name if self._schema.named else None

    def _score(self, distance: float) -> float:
        if self.facts.metric == "cosine":
            return 1.0 - distance
        return -distance if self.facts.metric == "dot" else distance

    def _filtered(self, function: Any, k: int, where: Sequence[Condition], **options: Any) -> list[tuple[Row, Any]]:
        check_known(where, self._schema.types, self._name)
        equal = [condition for condition in where if not condition.is_order]
        for condition in where:
            if condition.is_order:
                limit_of(condition, self._schema.types[condition.field], self._name)
        if any(not allowed(condition, self._schema.types[condition.field]) for condition in equal):
            return []
        objects = self._call(function, limit=k, filters=filter_of(where, self._schema.types), **options).objects
        rows = ((_row(item), item) for item in objects)
        return [(row, item) for row, item in rows if all(has_one_of(row.record, own) for own in equal)]

    def _fetched(self, key: str, ids: list[str]) -> list[Any]:
        """Return the objects with these ids, which may be several for one id that is a property."""
        query = self._objects.query
        if not key:
            known = [own for own in ids if _is_uuid(own)]
            return list(self._call(query.fetch_objects_by_ids, known, limit=PAGE, include_vector=True).objects)
        condition = Condition(key, tuple(ids))
        filters = filter_of([condition], self._schema.types)
        return list(self._call(query.fetch_objects, filters=filters, limit=LARGEST_K, include_vector=True).objects)

    def _with_vectors(self, objects: Sequence[Any]) -> list[tuple[Row, Sequence[float]]]:
        name = self.facts.fields.vector if self._schema.named else "default"
        return [(_row(item), item.vector[name]) for item in objects if item.vector.get(name)]

    def _call(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """Call Weaviate's client. Its errors become errors of ours."""
        from weaviate.exceptions import (
            AuthenticationFailedError,
            InsufficientPermissionsError,
            UnexpectedStatusCodeError,
            WeaviateConnectionError,
            WeaviateGRPCUnavailableError,
            WeaviateQueryError,
            WeaviateRetryError,
            WeaviateStartUpError,
            WeaviateTimeoutError,
        )

        lost = (WeaviateConnectionError, WeaviateGRPCUnavailableError, WeaviateStartUpError, WeaviateTimeoutError)
        with translated(self._name, lost):
            try:
                return function(*arguments, **options)
            except (AuthenticationFailedError, InsufficientPermissionsError) as error:
                raise self._refused_key() from error
            except UnexpectedStatusCodeError as error:
                if error.status_code in (401, 403):
                    raise self._refused_key() from error
                raise
            except (WeaviateQueryError, WeaviateRetryError) as error:
                code = _grpc_code(error)
                if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
                    raise self._refused_key() from error
                if code == "RESOURCE_EXHAUSTED":
                    raise StoreUnreachable(f"{self._name} is overloaded: {error.message}; try again later") from error
                if code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                    raise StoreUnreachable(
                        f"{self._name} does not answer by gRPC ({code}): start the server, or write its gRPC port: "
                        "http://host:8080?grpc_port=50051"
                    ) from error
                raise

    def _refused_key(self) -> StoreRefused:
        return StoreRefused(f"{self._name}: the key is missing or not accepted: set {KEY}")


def _connected(address: StoreAddress) -> Any:
    """Return a client. It does not look for a newer version of itself, as it would by default."""
    import weaviate
    from weaviate.classes.init import Auth

    parts = urlsplit(address.where)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"{address.name}: write the URL of the server, such as weaviate:Notes@http://localhost:8080")
    key = os.environ.get(KEY, "").strip()
    credentials = Auth.api_key(key) if key else None
    if parts.hostname.endswith(CLOUD):
        if credentials is None:
            raise StoreRefused(f"{address.name} needs a key: set {KEY}")
        return weaviate.connect_to_weaviate_cloud(address.where, credentials, skip_init_checks=True)
    secure = parts.scheme == "https"
    return weaviate.connect_to_custom(
        http_host=parts.hostname,
        http_port=parts.port or (443 if secure else 80),
        http_secure=secure,
        grpc_host=parts.hostname,
        grpc_port=int(parse_qs(parts.query).get("grpc_port", [GRPC_PORT])[-1]),
        grpc_secure=secure,
        auth_credentials=credentials,
        skip_init_checks=True,
    )


def _grpc_code(error: BaseException) -> str:
    """Return the name of the status of gRPC that an error comes from, or ""."""
    cause: BaseException | None = error
    while cause is not None and not hasattr(cause, "code"):
        cause = cause.__cause__ or cause.__context__
    return str(cause.code().name) if cause is not None else ""


def _row(item: Any) -> Row:
    return Row(item.uuid, dict(item.properties))


def _is_uuid(key: str) -> bool:
    try:
        return bool(UUID(key))
    except ValueError:
        return False
