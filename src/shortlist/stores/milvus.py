"""Milvus: `milvus:COLLECTION@FILE.db` for Milvus Lite, or `milvus:COLLECTION@http://host:19530`.

The user and the password come from the URL, or a token from MILVUS_TOKEN. Words are searched if the collection has a
BM25 function. Milvus calls every score a distance: cosines, inner products and BM25 are higher for better rows, and L2
is the squared distance. Milvus Lite returns BM25 with a minus sign.

Sources: https://milvus.io/docs/metric.md and the packages pymilvus 3.0.2 and milvus-lite 3.2.2 (read in November 2026).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from shortlist.errors import InvalidInput, StoreError, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.search.filters import Operator
from shortlist.stores.address import StoreAddress
from shortlist.stores.fields import choose, find_fields, kinds_of
from shortlist.stores.filters import EQUALITY, ORDER, Condition
from shortlist.stores.metrics import MetricName, raw_scores
from shortlist.stores.milvus_schema import Schema, expression, literal, read_schema
from shortlist.stores.store import Facts, Row, Vector
from shortlist.stores.translating import translated

METRICS: Mapping[str, MetricName] = {"COSINE": "cosine", "IP": "dot", "L2": "l2"}
OPERATORS: frozenset[Operator] = frozenset({*EQUALITY, *ORDER, "prefix"})
LARGEST_K = 16_384
PAGE = 1000
SAMPLE_ROWS = 20
TIMEOUT = 30.0
KEY_REFUSED = ("auth check failure", "unauthenticated", "invalid username or password", "permission deny")
NO_SERVER = 2
"""The code of Milvus's client for a server that does not answer."""


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> MilvusBackend:
    """Return the backend of a collection. `client` is a MilvusClient.

    Raises:
        InvalidInput: Fields or vectors that cannot be used.
        StoreNotFound: No such file or collection.
        StoreUnreachable: The server does not answer.
        StoreRefused: The token or the request is refused.
    """
    return MilvusBackend(address, fields, client)


class MilvusBackend:
    """A collection of Milvus. Satisfies `stores.store.Backend` and `stores.store.RunsBoth`."""

    def __init__(self, address: StoreAddress, fields: Mapping[str, str], client: Any) -> None:
        self._name, self._collection = address.name, address.collection
        self._owns = client is None
        self._client = client or self._call(_opened, address)
        try:
            self._schema = self._read_schema(fields)
            if self._owns and not address.is_url:
                self._call(self._client.load_collection, self._collection)
            self.facts = self._facts(fields)
        except BaseException:
            self.close()
            raise

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is a cosine, an inner product, or a squared distance."""
        hits = self._search(vector.tolist(), self.facts.fields.vector, k, where, self._schema.shown)
        return [self._row(self._record(hit), hit["distance"]) for hit in hits]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the highest BM25 score."""
        hits = self._search(text, self._schema.words, k, where, self._schema.shown)
        return [self._row(self._record(hit), abs(hit["distance"])) for hit in hits]

    def both(self, vector: Vector, text: str, k: int, where: Sequence[Condition]) -> tuple[list[Row], list[Row]]:
        """Return what `nearest` and `matching` return.

        The search by words returns keys alone. One more request reads the rows that the vectors have not found, and
        their vectors, so no row is sent twice.
        """
        near, key = self.nearest(vector, k, where), self._schema.key
        known = {row.id: row._replace(near=row.score) for row in near}
        hits = {self._record(hit)[key]: hit for hit in self._search(text, self._schema.words, k, where, [key])}
        known |= self._rows_with(vector, [own for own in hits if own not in known])
        by_words = [known[own]._replace(score=abs(hit["distance"])) for own, hit in hits.items() if own in known]
        return near, by_words

    def _rows_with(self, vector: Vector, keys: Sequence[Any]) -> dict[Any, Row]:
        """Return the rows with these keys, and the score of the vector query for each of them."""
        column, rows = self.facts.fields.vector, dict[Any, Row]()
        for start in range(0, len(keys), PAGE):
            condition = expression([Condition(self._schema.key, tuple(keys[start : start + PAGE]))], self._schema, "")
            records = self._query(condition or "", [*self._schema.shown, column], PAGE)
            vectors = np.array([record[column] for record in records], dtype=np.float32).reshape(-1, len(vector))
            scores = raw_scores(self.facts.metric or "cosine", vector, vectors)
            for record, score in zip(records, scores, strict=True):
                rows[record[self._schema.key]] = self._row(record)._replace(near=score)
        return rows

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of the rows with these ids."""
        key, column = self.facts.fields.id, self.facts.fields.vector
        stored: dict[str, Vector] = {}
        for start in range(0, len(ids), PAGE):
            condition = expression([Condition(key, self._keys(ids[start : start + PAGE]))], self._schema, "")
            if condition is None:
                continue
            for record in self._query(condition, [key, column], LARGEST_K):
                stored.setdefault(str(record[key]), np.asarray(record[column], dtype=np.float32))
        return stored

    def samples(self, count: int) -> list[tuple[Row, Vector]]:
        """Return at most `count` rows with their vectors."""
        column = self.facts.fields.vector
        records = self._query("", [*self._schema.shown, column], count)
        return [(self._row(record), np.asarray(record.pop(column), dtype=np.float32)) for record in records]

    def rows(self) -> Iterator[Row]:
        """Yield every row."""
        columns = list(self._schema.shown)
        options = {"collection_name": self._collection, "batch_size": PAGE, "output_fields": columns}
        pages = self._call(self._client.query_iterator, **options)
        page = self._call(pages.next)
        while page:
            yield from map(self._row, page)
            page = self._call(pages.next) if len(page) == PAGE else []

    def close(self) -> None:
        """Close the client, unless it was given."""
        if self._owns:
            self._client.close()

    def __len__(self) -> int:
        records = self._query("", ["count(*)"], None)
        return int(records[0]["count(*)"])

    def _read_schema(self, fields: Mapping[str, str]) -> Schema:
        if not self._call(self._client.has_collection, self._collection):
            names = ", ".join(sorted(self._call(self._client.list_collections))) or "none"
            raise StoreNotFound(f"{self._name}: there is no collection {self._collection!r}; there are: {names}")
        return read_schema(self._call(self._client.describe_collection, self._collection))

    def _facts(self, given: Mapping[str, str]) -> Facts:
        schema = self._schema
        kinds = dict(schema.kinds)
        if schema.dynamic:
            kinds = {**kinds_of(self._query("", list(schema.shown), SAMPLE_ROWS)), **kinds}
        names = {role: name for role, name in given.items() if role != "vector"}
        fields = find_fields(self._name, names, kinds, schema=not schema.dynamic)
        fields = replace(fields, id=given.get("id", schema.key), vector="")
        if not schema.vectors:
            words = bool(schema.words)
            return Facts(
                self._name, fields, words=words, largest_k=LARGEST_K, keeps_word_scores=False, operators=OPERATORS
            )
        column = choose("vector", list(schema.vectors), given, self._name)
        index = self._index(column)
        metric = str(index.get("metric_type", "COSINE")).upper()
        if metric not in METRICS:
            raise InvalidInput(f"{self._name}: the vectors {column!r} are compared by {metric}, which is not supported")
        return Facts(
            self._name,
            replace(fields, vector=column),
            METRICS[metric],
            schema.vectors[column],
            words=bool(schema.words),
            exact=index.get("index_type") == "FLAT",
            largest_k=LARGEST_K,
            operators=OPERATORS,
            keeps_word_scores=False,  # Milvus Lite computes BM25 among the rows that pass the filter
        )

    def _index(self, column: str) -> Mapping[str, Any]:
        for name in self._call(self._client.list_indexes, self._collection):
            index: Mapping[str, Any] = self._call(self._client.describe_index, self._collection, name) or {}
            if index.get("field_name") == column:
                return index
        raise InvalidInput(f"{self._name}: the field {column!r} has no index, and Milvus cannot search it without one")

    def _search(self, query: Any, column: str, k: int, where: Sequence[Condition], shown: Sequence[str]) -> list[Any]:
        condition = expression(where, self._schema, self.facts.fields.metadata, self._name)
        if condition is None:
            return []
        hits = self._call(
            self._client.search,
            self._collection,
            data=[query],
            anns_field=column,
            limit=k,
            filter=condition,
            output_fields=list(shown),
        )
        return list(hits[0])

    def _record(self, hit: Any) -> dict[str, Any]:
        key = self._schema.key  # the client calls it "id" before version 2.6
        return {key: hit.get(key, hit.get("id")), **hit["entity"]}

    def _query(self, condition: str, columns: Sequence[str], limit: int | None) -> list[dict[str, Any]]:
        options = {} if limit is None else {"limit": limit}
        records = self._call(
            self._client.query, self._collection, filter=condition, output_fields=list(columns), **options
        )
        return [dict(record) for record in records]

    def _row(self, record: Mapping[str, Any], score: float = 0.0) -> Row:
        key = self._schema.key
        shown = {name: value for name, value in record.items() if name not in self._schema.hidden}
        return Row(record[key], {name: _plain(value) for name, value in shown.items()}, float(score))

    def _keys(self, ids: Sequence[str]) -> tuple[str | int, ...]:
        return tuple(same for key in ids for same in ((key, int(key)) if _is_integer(key) else (key,)))

    def _call(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """Call Milvus's client. Its errors become errors of ours."""
        from pymilvus.exceptions import MilvusException

        with translated(self._name):
            try:
                return function(*arguments, **options)
            except MilvusException as error:
                raise _error(self._name, error.code, " ".join(str(error.message).split())) from error


def _opened(address: StoreAddress) -> Any:
    from pymilvus import MilvusClient

    token = os.environ.get("MILVUS_TOKEN", "")
    if address.is_url:
        parts = urlsplit(address.where)
        if parts.username:
            token = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        uri = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return MilvusClient(uri, token=token, timeout=TIMEOUT)
    if not Path(address.where).exists():
        raise StoreNotFound(f"{address.name}: there is no file {address.where!r}")
    return MilvusClient(address.where)


def _error(name: str, code: int, message: str) -> StoreError:
    if code == NO_SERVER or "server unavailable" in message:
        return StoreUnreachable(f"{name} does not answer ({message}): start the server, or correct the address")
    if any(part in message.lower() for part in KEY_REFUSED):
        return StoreRefused(
            f"{name}: the user or token is missing or not accepted: write http://USER:PASSWORD@host:19530, or set "
            f"MILVUS_TOKEN ({message})"
        )
    return StoreRefused(f"{name} refused the request: {message}")


def _plain(value: Any) -> Any:
    """Return a list of Milvus's client as a list of Python."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else value


def _is_integer(key: str) -> bool:
    return key.lstrip("-").isdigit() and len(key) <= len(str(2**63)) and literal(int(key)) == key
