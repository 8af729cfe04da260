"""The ledger of an index on a server. Every machine that opens the index has the same one.

The records are on the server, and a temporary copy of them in SQLite answers the questions. Only one process at a time
changes the index, so its copy is exact while it does. Every change goes to the server first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from shortlist.collection.ledger import Ledger, Row, SourceCounts
from shortlist.collection.ledger_tables import COLUMNS
from shortlist.errors import NotAnIndex

AT_ONCE = 10_000
"""Rows of one transaction while the copy is made."""


class Records(Protocol):
    """Small records that a server keeps beside the passages, in tables, by key. A row is a JSON object.

    Every method raises StoreError if the server does not answer or refuses the request.
    """

    def rows(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the key and the row of every record of a table, in no fixed order."""

    def get(self, table: str, key: str) -> dict[str, Any] | None:
        """Return the row of a record, or None."""

    def put(self, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Write the records of some tables. A record replaces an earlier one with its key."""

    def delete(self, table: str, keys: Iterable[str]) -> None:
        """Remove the records with these keys. Unknown keys are ignored."""

    def clear(self, tables: Iterable[str]) -> None:
        """Remove every record of these tables."""

    def values(self, table: str, field: str) -> set[str]:
        """Return the values that a text field has in a table."""


class ServerLedger(Ledger):
    """The record of one index on a server. One thread at a time may use it.

    `name` is the name of the index for messages. `check` raises an error if this process may not write. The first
    question after the construction, and after `refresh`, reads all records.
    """

    def __init__(self, records: Records, name: str, check: Callable[[], None]) -> None:
        super().__init__()
        self._records, self._name, self._check = records, name, check
        self._loaded = False

    def refresh(self) -> None:
        """Make the next question read all records again, because another process may have changed them."""
        self._loaded = False

    def counts(self) -> list[SourceCounts]:
        """Return the present numbers of each source, sorted by name."""
        self.refresh()
        return super().counts()

    def known_sources(self) -> set[str]:
        """Return every source that was read to its end or has documents."""
        if self._loaded:
            return super().known_sources()
        finished = {name for name, _ in self._records.rows("sources")}
        return finished | self._records.values("documents", "source")

    def _put(self, tables: Mapping[str, Sequence[Row]]) -> None:
        self._load()
        self._check()
        self._records.put(
            {
                table: {str(key): dict(zip(COLUMNS[table][1:], values, strict=True)) for key, *values in rows}
                for table, rows in tables.items()
            }
        )
        super()._put(tables)

    def _remove(self, table: str, keys: Sequence[str]) -> None:
        self._load()
        self._check()
        known = [key for key in keys if self._read(f"SELECT 1 FROM {table} WHERE {COLUMNS[table][0]} = ?", key)]
        if known:
            self._records.delete(table, known)
            super()._remove(table, known)

    def _read(self, query: str, *values: str | int) -> list[Any]:
        self._load()
        return super()._read(query, *values)

    def _load(self) -> None:
        """Copy the records of the server, unless that was done."""
        if self._loaded:
            return
        for table, (_, *names) in COLUMNS.items():
            self._write([(f"DELETE FROM {table}", [()])])
            rows = ((key, *(row[name] for name in names)) for key, row in self._records.rows(table))
            while part := list(islice(rows, AT_ONCE)):
                super()._put({table: part})
        self._loaded = True

    def _damaged(self, error: Exception) -> NotAnIndex:
        return NotAnIndex(
            f"the records of {self._name} cannot be read ({error}): if they are damaged, remove the collections of the "
            "index and build it again"
        )
