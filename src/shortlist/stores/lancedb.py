"""LanceDB: `lancedb:TABLE@FOLDER`, or a URI such as `s3://bucket/path` or `db://database`.

Vectors are compared by cosine if the table has no vector index, otherwise by the metric of the index. Words need a
full-text index.

Source: https://docs.lancedb.com and the package lancedb 0.40.0 (read in November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.errors import InvalidInput, StoreNotFound
from shortlist.stores.address import StoreAddress
from shortlist.stores.fields import FieldKind, choose, find_fields
from shortlist.stores.filters import EVERY, Condition
from shortlist.stores.lancedb_filters import sql_of, text_literal
from shortlist.stores.metrics import MetricName, raw_scores
from shortlist.stores.store import Facts, Row, Vector
from shortlist.stores.translating import translated

METRICS: Mapping[str, MetricName] = {"cosine": "cosine", "dot": "dot", "l2": "l2"}
ROW_ID = "_rowid"
"""LanceDB's own id of a row, in a table without a field for it."""
PAGE = 1000


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> LanceBackend:
    """Return the backend of a table. `client` is a connection of lancedb.

    Raises:
        InvalidInput: Fields or vectors that cannot be used.
        StoreNotFound: No such folder or table.
        StoreUnreachable: The service does not answer.
        StoreRefused: The service refuses the key, or the table is damaged.
    """
    import lancedb

    if client is None and not address.is_url and not Path(address.where).is_dir():
        raise StoreNotFound(f"{address.name}: there is no folder {address.where!r}")
    with translated(address.name):
        return LanceBackend(address, fields, _table(client or lancedb.connect(address.where), address))


class LanceBackend:
    """A table of LanceDB. Satisfies `stores.store.Backend` and `stores.store.RunsBoth`."""

    def __init__(self, address: StoreAddress, fields: Mapping[str, str], table: Any) -> None:
        self._name, self._table = address.name, table
        self._types = {field.name: field.type for field in table.schema}
        kinds = {name: _kind(kind) for name, kind in self._types.items()}
        vectors = [name for name, kind in kinds.items() if kind == "vector"]
        self._vector = choose("vector", vectors, fields, self._name) if vectors else ""
        names = find_fields(self._name, fields, kinds, schema=True)
        self._columns = [name for name, kind in kinds.items() if kind != "vector"]
        metric, indexed, words = _indexes(table, self._vector, self._name)
        self._metric = metric
        self._indexed = indexed
        self.facts = Facts(
            self._name,
            names,
            metric=METRICS[metric] if self._vector else None,
            dimension=self._types[self._vector].list_size if self._vector else None,
            words=words,
            exact=not indexed,
            operators=EVERY,
        )

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is a cosine, an inner product, or a squared distance."""
        with translated(self._name):
            query = self._table.search(vector, vector_column_name=self._vector, query_type="vector")
            query = query.distance_type(self._metric)
            if self._indexed:
                query = query.refine_factor(1)  # the distances to the vectors themselves, not to their codes
            lines = self._filtered(query, where).select([*self._columns, "_distance"]).limit(k).to_list()
        return [
            self._row(line, line["_distance"] if self._metric == "l2" else 1.0 - line["_distance"]) for line in lines
        ]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the best BM25 score of any of the words."""
        with translated(self._name):
            lines = self._words(text, k, where, []).to_list()
        return [self._row(line, line["_score"]) for line in lines]

    def both(self, vector: Vector, text: str, k: int, where: Sequence[Condition]) -> tuple[list[Row], list[Row]]:
        """Return what `nearest` and `matching` return. The rows of the words come with their vectors."""
        with translated(self._name):
            answer = self._words(text, k, where, [self._vector]).to_arrow()
        column = answer.column(self._vector)
        numbers = column.drop_null().combine_chunks().flatten().to_numpy(zero_copy_only=False)
        vectors = numbers.astype(np.float32).reshape(-1, len(vector))
        scores = iter(raw_scores(METRICS[self._metric], vector, vectors))
        near = [next(scores) if valid.as_py() else None for valid in column.is_valid()]
        lines = answer.drop_columns([self._vector]).to_pylist()
        by_words = [self._row(line, line["_score"])._replace(near=own) for line, own in zip(lines, near, strict=True)]
        return self.nearest(vector, k, where), by_words

    def vectors(self, ids: Sequence[str]) -> dict[str, Sequence[float]]:
        """Return the vectors of the rows with these ids."""
        id_field = self.facts.fields.id
        stored: dict[str, Sequence[float]] = {}
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            condition = self._with_ids(id_field, page)
            if condition:
                with translated(self._name):
                    query = self._table.search().with_row_id(True).where(condition)
                    lines = query.select([*([id_field] if id_field else []), self._vector]).to_list()
                stored |= {str(line[id_field or ROW_ID]): line[self._vector] for line in reversed(lines)}
        return stored

    def samples(self, count: int) -> list[tuple[Row, Sequence[float]]]:
        """Return at most `count` rows with their vectors."""
        with translated(self._name):
            query = self._table.search().with_row_id(True).where(f"`{self._vector}` is not null")
            lines = query.select([*self._columns, self._vector]).limit(count).to_list()
        return [(self._row(line, 0.0), line[self._vector]) for line in lines]

    def rows(self) -> Iterator[Row]:
        """Yield every row."""
        with translated(self._name):
            batches = self._table.search().with_row_id(True).select(self._columns).to_batches(PAGE)
        while True:
            with translated(self._name):
                batch = next(iter(batches), None)
            if batch is None:
                return
            yield from (self._row(line, 0.0) for line in batch.to_pylist())

    def close(self) -> None:
        """Do nothing: a table of LanceDB has no connection to close."""

    def __len__(self) -> int:
        with translated(self._name):
            return int(self._table.count_rows())

    def _filtered(self, query: Any, where: Sequence[Condition]) -> Any:
        query = query.with_row_id(True)
        condition = sql_of(where, self._types, self.facts.fields.metadata, self._name)
        return query.where(condition, prefilter=True) if condition else query

    def _words(self, text: str, k: int, where: Sequence[Condition], columns: list[str]) -> Any:
        """The query for the words, which returns these columns in addition to those of a row."""
        query = self._filtered(self._table.search(text, query_type="fts"), where)
        return query.select([*self._columns, "_score", *columns]).limit(k)

    def _with_ids(self, id_field: str, ids: Sequence[str]) -> str:
        """The condition for rows with these ids; "" if no row can have them."""
        if not id_field:
            numbers = [key for key in ids if key.isdigit()]
            return f"{ROW_ID} in ({', '.join(numbers)})" if numbers else ""
        if _kind(self._types[id_field]) == "number":
            numbers = [key for key in ids if key.lstrip("-").isdigit()]
            return f"`{id_field}` in ({', '.join(numbers)})" if numbers else ""
        return f"`{id_field}` in ({', '.join(map(text_literal, ids))})"

    def _row(self, line: Mapping[str, Any], score: float) -> Row:
        record = {name: line[name] for name in self._columns}
        id_field = self.facts.fields.id
        return Row(record[id_field] if id_field else line[ROW_ID], record, float(score))


def _table(connection: Any, address: StoreAddress) -> Any:
    try:
        return connection.open_table(address.collection)
    except (ValueError, FileNotFoundError) as error:
        listed = connection.list_tables()
        names = sorted(getattr(listed, "tables", listed))
        if address.collection in names:
            raise
        raise StoreNotFound(
            f"{address.name}: there is no table {address.collection!r}; the store has {', '.join(names) or 'none'}"
        ) from error


def _kind(kind: Any) -> FieldKind:
    """Return the kind of a type of Arrow."""
    import pyarrow.types as arrow

    if arrow.is_fixed_size_list(kind) and arrow.is_floating(kind.value_type):
        return "vector"
    if arrow.is_string(kind) or arrow.is_large_string(kind):
        return "text"
    if arrow.is_integer(kind) or arrow.is_floating(kind):
        return "number"
    return "object" if arrow.is_struct(kind) else "other"


def _indexes(table: Any, vector: str, store: str) -> tuple[str, bool, bool]:
    """Return the metric of the vectors, whether they have an index, and whether words have one."""
    metric, indexed, words = "cosine", False, False
    for index in table.list_indices():
        if index.index_type == "FTS":
            words = True
        elif vector in index.columns:
            metric, indexed = str(table.index_stats(index.name).distance_type or "l2").lower(), True
    if metric not in METRICS:
        raise InvalidInput(f"{store} compares vectors by {metric}: only {', '.join(METRICS)} can be searched")
    return metric, indexed, words
