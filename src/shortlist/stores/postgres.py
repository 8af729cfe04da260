"""PostgreSQL: vectors by pgvector, words by full-text search. `postgres:TABLE@postgresql://USER@HOST/DATABASE`.

Both lists come from one SQL statement. `postgres_layout` finds the columns. The words of the query are alternatives:
PostgreSQL's own `websearch_to_tsquery` requires all of them, and finds nothing for a question.

Sources: https://github.com/pgvector/pgvector and https://www.postgresql.org/docs/current/textsearch.html (read in
November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from shortlist.errors import InvalidInput, StoreRefused, StoreUnreachable
from shortlist.stores.address import StoreAddress
from shortlist.stores.filters import EVERY, Condition, check_known
from shortlist.stores.postgres_filters import condition_sql
from shortlist.stores.postgres_layout import Layout, VectorColumn, quoted, read_layout
from shortlist.stores.postgres_sql import LARGEST_SCAN, both_sql, near_sql, shown, words_sql
from shortlist.stores.store import Facts, Row, Vector

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT = 10
PAGE = 1000
WORDS = re.compile(r"\w+")
LONGEST_WORD = 2000
"""The most bytes of a word. PostgreSQL indexes no longer word, and refuses it in a query."""
NOT_READY = ("starting up", "shutting down", "too many", "remaining connection slots", "recovery")
"""Parts of the refusals of a connection that end after a while."""
NO_ANSWER = ("08", "53", "57")
"""The classes of errors of a server that is lost, overloaded, or ends a query."""


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> PostgresBackend:
    """Return the backend of a table. `client` is a psycopg connection; without it, the URL is opened.

    Raises:
        InvalidInput: Fields that cannot be used.
        StoreNotFound: No such table.
        StoreUnreachable: The server does not answer.
        StoreRefused: The server refuses the user, the password or the database.
    """
    return PostgresBackend(address, fields, client)


class PostgresBackend:
    """A table of a PostgreSQL database. Satisfies `stores.store.Backend`."""

    def __init__(
        self, address: StoreAddress, fields: Mapping[str, str], client: psycopg.Connection[Any] | None
    ) -> None:
        self._name, self._url = address.name, address.where
        self._owns = client is None
        self._connection = client
        try:
            self._layout = read_layout(self._lines, address.name, address.collection, fields)
            self.facts = _facts(self._name, self._layout, self._dimension())
        except BaseException:
            self.close()
            raise

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is a cosine, an inner product or a squared distance."""
        filters, values = self._filters(where)
        return self._rows(near_sql(self._layout, k, filters), {**values, **self._near_values(vector, k)})[0]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the highest rank for any of the words."""
        filters, values = self._filters(where)
        return self._rows(words_sql(self._layout, filters), {**values, **self._word_values(text), "k": k})[1]

    def both(self, vector: Vector, text: str, k: int, where: Sequence[Condition]) -> tuple[list[Row], list[Row]]:
        """Return what `nearest` and `matching` return, from one statement, which also compares the rows of words."""
        filters, values = self._filters(where)
        sql = both_sql(self._layout, k, filters)
        return self._rows(sql, {**values, **self._near_values(vector, k), **self._word_values(text)})

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of the rows with these ids."""
        stored: dict[str, Vector] = {}
        key, condition = quoted(self._layout.key), self._key_condition()
        sql = f"select {key}, {self._column()}::text from {self._layout.table} where {condition}"
        for start in range(0, len(ids), PAGE):
            for line in self._lines(f"{sql} and {self._column()} is not null", self._keys(ids[start : start + PAGE])):
                stored.setdefault(str(line[0]), _vector_of(line[1]))
        return stored

    def samples(self, count: int) -> list[tuple[Row, Vector]]:
        """Return at most `count` rows with their vectors."""
        column, table = self._column(), self._layout.table
        sql = f"select {self._shown()}, {column}::text from {table} where {column} is not null limit %(count)s"
        lines = self._lines(sql, {"count": count})
        return [(self._row(line[:-1]), _vector_of(line[-1])) for line in lines]

    def rows(self) -> Iterator[Row]:
        """Yield every row. The server keeps the rows until all of them are read."""
        with self._translated():
            cursor = self._connected().cursor(f"shortlist_{id(object())}", withhold=True)
        with cursor:
            with self._translated():
                cursor.execute(f"select {self._shown()} from {self._layout.table}", {})
            while True:
                with self._translated():
                    page = cursor.fetchmany(PAGE)
                if not page:
                    return
                yield from map(self._row, page)

    def close(self) -> None:
        """Close the connection, unless it was given."""
        if self._owns and self._connection is not None:
            self._connection.close()

    def __len__(self) -> int:
        return int(self._lines(f"select count(*) from {self._layout.table}", {})[0][0])

    def _vector(self) -> VectorColumn:
        assert self._layout.vector is not None
        return self._layout.vector

    def _column(self) -> str:
        return quoted(self._vector().name)

    def _shown(self) -> str:
        return shown(self._layout)

    def _near_values(self, vector: Vector, k: int) -> dict[str, Any]:
        return {"vector": "[" + ",".join(map(repr, vector.tolist())) + "]", "k": k}

    def _word_values(self, text: str) -> dict[str, Any]:
        words = (word for word in dict.fromkeys(WORDS.findall(text)) if len(word.encode()) <= LONGEST_WORD)
        return {"words": " | ".join(f"'{word}'" for word in words), "configuration": self._layout.configuration}

    def _filters(self, where: Sequence[Condition]) -> tuple[list[str], dict[str, Any]]:
        layout, parts, values = self._layout, list[str](), dict[str, Any]()
        if not layout.fields.metadata:
            check_known(where, layout.columns, self._name)
        for number, condition in enumerate(where):
            sql, own = condition_sql(condition, layout.columns, layout.fields.metadata, f"where{number}", self._name)
            parts.append(sql)
            values |= own
        return parts, values

    def _key_condition(self) -> str:
        kind = self._layout.columns[self._layout.key]
        cast = {"int2": "int8", "int4": "int8"}.get(kind, kind)
        return f"{quoted(self._layout.key)} = any(%(keys)s::{cast}[])"

    def _keys(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return the ids that the column can hold. PostgreSQL refuses any other."""
        kind = self._layout.columns[self._layout.key]
        if kind in ("int2", "int4", "int8", "numeric"):
            return {"keys": [key for key in ids if re.fullmatch(r"-?\d{1,18}", key)]}
        return {"keys": [key for key in ids if kind != "uuid" or _is_uuid(key)]}

    def _dimension(self) -> int | None:
        place = self._layout.vector
        if place is None or place.dimension is not None:
            return None if place is None else place.dimension
        return next((len(vector) for _, vector in self.samples(1)), None)

    def _rows(self, sql: str, values: Mapping[str, Any]) -> tuple[list[Row], list[Row]]:
        """Return the rows of both lists."""
        lists: dict[str, list[Row]] = {"near": [], "words": []}
        for line in self._lines(sql, values):
            kind, score, distance = line[:3]
            near = None if distance is None else self._score(distance)
            row = self._row(line[3:])
            if kind == "words":
                lists[kind].append(row._replace(score=score, near=near))
            elif near is not None:
                lists[kind].append(row._replace(score=near))
        return lists["near"], lists["words"]

    def _score(self, distance: float) -> float:
        """Return pgvector's distance in the unit of the metric. A zero vector has the cosine distance NaN."""
        metric = self._vector().metric
        if metric == "cosine":
            return 0.0 if np.isnan(distance) else 1.0 - distance
        return -distance if metric == "dot" else distance**2

    def _row(self, line: Sequence[Any]) -> Row:
        names = dict.fromkeys((self._layout.key, *self._layout.columns))
        return Row(line[0], {name: _plain(value) for name, value in zip(names, line, strict=True)})

    def _lines(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._translated():
            lines: list[tuple[Any, ...]] = self._connected().execute(sql, values).fetchall()
            return lines

    def _connected(self) -> psycopg.Connection[Any]:
        """Return the connection. A lost one is opened again, unless it was given."""
        import psycopg

        if self._connection is None or (self._owns and self._connection.broken):
            limit = {} if "connect_timeout" in self._url else {"connect_timeout": CONNECT_TIMEOUT}
            self._connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=None, **limit)
        return self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self._error(error) from error

    def _error(self, error: psycopg.Error) -> Exception:
        import psycopg

        message = " ".join(str(error).split())
        if error.sqlstate is None and isinstance(error, psycopg.ProgrammingError):
            return InvalidInput(f"{self._name}: the URL cannot be read: write postgresql://USER:PASSWORD@HOST/DATABASE")
        if error.sqlstate is not None:
            unreachable = error.sqlstate.startswith(NO_ANSWER)
        else:
            refused = "FATAL" in message or "no password supplied" in message
            unreachable = not refused or any(part in message for part in NOT_READY)
        if unreachable:
            return StoreUnreachable(f"{self._name} does not answer: {message}")
        return StoreRefused(f"{self._name}: {message}")


def _facts(name: str, layout: Layout, dimension: int | None) -> Facts:
    place = layout.vector
    return Facts(
        name,
        layout.fields,
        metric=None if place is None else place.metric,
        dimension=dimension,
        words=True,
        exact=place is None or not place.index,
        largest_k=LARGEST_SCAN if place is not None and place.index == "hnsw" and not place.iterative else None,
        word_score="ts_rank",
        operators=EVERY,
    )


def _vector_of(text: str) -> Vector:
    return np.array(text[1:-1].split(","), dtype=np.float32)


def _plain(value: Any) -> Any:
    """Return an exact number of PostgreSQL as a number of Python."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _is_uuid(key: str) -> bool:
    try:
        return str(UUID(key)) == key.lower()
    except ValueError:
        return False
