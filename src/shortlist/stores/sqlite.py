"""SQLite: words by FTS5, vectors by sqlite-vec. `sqlite:TABLE@FILE`.

The table may be an ordinary table with an FTS5 table and a vec0 table or a BLOB column next to it, or an FTS5 or vec0
table that holds the text itself. `sqlite_layout` finds them.

Sources: https://www.sqlite.org/fts5.html and https://alexgarcia.xyz/sqlite-vec (read in November 2026).
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from shortlist.errors import MissingExtra, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.stores.address import StoreAddress
from shortlist.stores.filters import EVERY, Condition
from shortlist.stores.sqlite_filters import add_function, marks, sql_of
from shortlist.stores.sqlite_layout import Layout, VectorTable, parsed, read_layout
from shortlist.stores.sqlite_words import quoted
from shortlist.stores.store import Facts, Row, Vector
from shortlist.types import Note

LARGEST_K = 4096
"""The most rows of one query in sqlite-vec."""
PAGE = 1000
WORDS = re.compile(r"\w+")


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: sqlite3.Connection | None) -> SqliteBackend:
    """Return the backend of a table. `client` is a connection; without it, the file is opened to read.

    Raises:
        InvalidInput: Fields or vectors that cannot be used.
        StoreNotFound: No such file or table.
        MissingExtra: The table has vectors, and sqlite-vec is not installed or cannot be loaded.
        StoreRefused: The file is no SQLite database.
    """
    return SqliteBackend(address, fields, client)


class SqliteBackend:
    """A table of a SQLite database. Satisfies `stores.store.Backend`."""

    def __init__(self, address: StoreAddress, fields: Mapping[str, str], client: sqlite3.Connection | None) -> None:
        self._owns = client is None
        self._lock = threading.Lock()
        self._name = address.name
        self._unread: int | None = None
        self._connection = client or _opened(Path(address.where), address.name)
        try:
            with self._translated():
                has_vec = load_vec(self._connection)
                add_function(self._connection)
                self._layout = read_layout(self._connection, address.name, address.collection, fields, has_vec=has_vec)
            if self._layout.vectors is not None and not has_vec:
                raise MissingExtra(f"{self._name} has vectors, and reading them", "sqlite")
            self.facts = _facts(self._name, self._layout, self._dimension())
        except BaseException:
            self.close()
            raise

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is a cosine, or a squared distance."""
        place = self._vectors()
        filters, values = self._filters(where, "m")
        blob = np.ascontiguousarray(vector, dtype="<f4").tobytes()
        if not place.table:
            distance = f"vec_distance_cosine(m.{quoted(place.column)}, ?)"
            condition = " and ".join([f"m.{quoted(place.column)} is not null", *filters])
            sql = f"select {self._columns('m')}, {distance} as distance from {self._table} m where {condition} "
            rows = self._rows(f"{sql} order by distance limit ?", [blob, *values, k])
        else:
            key, own = quoted(place.key), self._own_key(place)
            inside = f" and {key} in (select m.{own} from {self._table} m where {' and '.join(filters)})"
            near = f"select {key} as near_key, distance from {quoted(place.table)} "
            near += f"where {quoted(place.column)} match ? and k = ?{inside if filters else ''}"
            sql = f"with near as materialized ({near}) select {self._columns('m')}, near.distance "
            sql += f"from near join {self._table} m on m.{own} = near.near_key"
            rows = self._rows(sql, [blob, k, *values])
        return [row._replace(score=_score(row.score, place.metric)) for row in rows]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the best BM25 score of any of the words.

        The rows of the table are read for the best scores alone: sorting every match by its id reads them all.
        """
        table = self._layout.words
        assert table is not None
        query = " OR ".join(f'"{word}"' for word in WORDS.findall(text))
        words, same_row = quoted(table.name), f"m.{quoted('rowid' if table.name == self._layout.table else table.key)}"
        filters, values = self._filters(where, "m")
        joined = f" join {self._table} m on {same_row} = w.rowid" if filters else ""
        condition = " and ".join([f"w.{words} match ?", *filters])
        sql = "with found as materialized (select w.rowid as place, w.rank as rank "
        sql += f"from {words} w{joined} where {condition}) select {self._columns('m')}, -found.rank "
        sql += f"from found cross join {self._table} m on {same_row} = found.place where found.rank <= "
        sql += "coalesce((select rank from found order by rank limit 1 offset ?), found.rank) "
        sql += f"order by found.rank, cast(m.{self._id} as text) limit ?"
        return self._rows(sql, [query, *values, k - 1, k])

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of the rows with these ids."""
        stored: dict[str, Vector] = {}
        for start in range(0, len(ids), PAGE):
            keys = [same for key in ids[start : start + PAGE] for same in ((key, int(key)) if _is_int(key) else (key,))]
            sql = f"{self._with_vectors(f'm.{self._id}')} where m.{self._id} in ({marks(len(keys))})"
            for key, blob in self._lines(sql, keys):
                if isinstance(blob, bytes):
                    stored.setdefault(str(key), np.frombuffer(blob, dtype="<f4"))
        return stored

    def samples(self, count: int) -> list[tuple[Row, Vector]]:
        """Return at most `count` rows with their vectors."""
        lines = self._lines(f"{self._with_vectors(self._columns('m'))} limit ?", [count])
        rows = [(self._row((*line[:-1], 0.0)), line[-1]) for line in lines if isinstance(line[-1], bytes)]
        return [(row, np.frombuffer(blob, dtype="<f4")) for row, blob in rows]

    def rows(self) -> Iterator[Row]:
        """Yield every row."""
        with self._lock, self._translated():
            cursor = self._connection.execute(f"select {self._columns('m')}, 0.0 from {self._table} m")
        while True:
            with self._lock, self._translated():
                page = cursor.fetchmany(PAGE)
            if not page:
                return
            yield from map(self._row, page)

    def filter_notes(self, where: Sequence[Condition]) -> list[Note]:
        """Return a note if rows have metadata that a filter needs and cannot read."""
        field = self._layout.fields.metadata
        if not field or all(condition.field in self._layout.columns for condition in where):
            return []
        if self._unread is None:
            column = quoted(field)
            sql = f"select count(*) from {self._table} where {column} != '' and not json_valid({column})"
            self._unread = int(self._lines(sql, [])[0][0])
        return [Note("metadata_unread", count=self._unread, field=field)] if self._unread else []

    def close(self) -> None:
        """Close the connection, unless it was given."""
        if self._owns:
            self._connection.close()

    def __len__(self) -> int:
        with self._lock, self._translated():
            return int(self._connection.execute(f"select count(*) from {self._table}").fetchone()[0])

    @property
    def _table(self) -> str:
        return quoted(self._layout.table)

    @property
    def _id(self) -> str:
        return quoted(self._layout.fields.id or self._layout.key)

    def _vectors(self) -> VectorTable:
        assert self._layout.vectors is not None
        return self._layout.vectors

    def _own_key(self, place: VectorTable) -> str:
        return quoted(self._layout.fields.id if place.names_id else self._layout.key)

    def _with_vectors(self, columns: str) -> str:
        """The start of a query for these columns of rows, and for their vectors."""
        place = self._vectors()
        if not place.table or place.table == self._layout.table:
            return f"select {columns}, m.{quoted(place.column)} from {self._table} m"
        join = f"{self._table} m cross join {quoted(place.table)} v on v.{quoted(place.key)} = m.{self._own_key(place)}"
        return f"select {columns}, v.{quoted(place.column)} from {join}"

    def _columns(self, alias: str) -> str:
        return ", ".join(f"{alias}.{name}" for name in map(quoted, (self._layout.key, *self._layout.columns)))

    def _rows(self, sql: str, values: Sequence[Any]) -> list[Row]:
        return [self._row(line) for line in self._lines(sql, values)]

    def _lines(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._lock, self._translated():
            return self._connection.execute(sql, values).fetchall()

    def _row(self, line: Sequence[Any]) -> Row:
        layout = self._layout
        record = dict(zip(layout.columns, line[1:-1], strict=True))
        for name in layout.flags & record.keys():
            record[name] = None if record[name] is None else bool(record[name])
        if layout.fields.metadata:
            record[layout.fields.metadata] = parsed(record[layout.fields.metadata])
        return Row(record[layout.fields.id] if layout.fields.id else line[0], record, line[-1])

    def _filters(self, where: Sequence[Condition], alias: str) -> tuple[list[str], list[Any]]:
        return sql_of(where, self._layout, alias, self._name)

    def _dimension(self) -> int | None:
        place = self._layout.vectors
        if place is None or place.dimension is not None:
            return None if place is None else place.dimension
        return next((len(vector) for _, vector in self.samples(1)), None)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._connection.Error as error:
            locked = "locked" in str(error)
            kind = StoreUnreachable if locked else StoreRefused
            raise kind(f"{self._name}: {error}{'; another program writes to it' if locked else ''}") from error


def _opened(file: Path, name: str) -> sqlite3.Connection:
    if not file.is_file():
        is_folder = f"{str(file)!r} is a folder: name the file of the database"
        raise StoreNotFound(f"{name}: {is_folder if file.is_dir() else f'there is no file {str(file)!r}'}")
    connection: sqlite3.Connection = driver().connect(
        f"file:{quote(str(file))}?mode=ro", uri=True, check_same_thread=False
    )
    return connection


def driver() -> Any:
    """Return the module that opens SQLite files: Python's own, or pysqlite3 if Python's own cannot load extensions.

    The builds of Python by pyenv and for macOS leave out the extensions of SQLite.
    """
    if hasattr(sqlite3.Connection, "enable_load_extension"):
        return sqlite3
    try:
        import pysqlite3
    except ImportError:
        return sqlite3
    return pysqlite3


def load_vec(connection: sqlite3.Connection) -> bool:
    """Load sqlite-vec into the connection if it is installed, and return whether the connection has it."""
    try:
        return bool(connection.execute("select vec_version()").fetchone())
    except connection.OperationalError:
        pass
    try:
        import sqlite_vec
    except ImportError:
        return False
    if not hasattr(connection, "enable_load_extension"):
        return False
    connection.enable_load_extension(True)
    sqlite_vec.load(connection)
    connection.enable_load_extension(False)
    return True


def _facts(name: str, layout: Layout, dimension: int | None) -> Facts:
    place = layout.vectors
    return Facts(
        name,
        layout.fields,
        metric=None if place is None else "cosine" if place.metric == "cosine" else "l2",
        dimension=dimension,
        words=layout.words is not None,
        exact=True,
        largest_k=LARGEST_K if place is not None and place.table else None,
        key=layout.key,
        operators=EVERY,
    )


def _score(distance: float | None, metric: str) -> float:
    """Return the cosine or the squared distance. sqlite-vec returns NULL as the cosine distance of a zero vector."""
    if metric == "cosine":
        return 0.0 if distance is None else 1.0 - distance
    return float("nan") if distance is None else distance**2


def _is_int(key: str) -> bool:
    return key.lstrip("-").isdigit() and str(int(key)) == key
