"""The record of which source gave which documents and passages, in SQLite next to the engine's folder.

`server_ledger` keeps the same record on a server.

The ledger first records a document as pending, with all old and new ids of its passages. Then the engine changes and
flushes the passages. Then the ledger records the document as done. If a document is pending when a run starts, an
earlier run was interrupted: the engine may have passages of the old text and of the new text. The run reads the source
again and replaces all of these passages. After the run, no passage is lost, and no passage is stored twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeAlias

from shortlist.collection.ledger_tables import COLUMNS, COUNTS, PAGE_OF_SOURCE, READINGS, SCHEMA
from shortlist.errors import IndexWriteFailed, NotAnIndex
from shortlist.types import Note

FILE = "sources.sqlite"
Row: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True, slots=True)
class Entry:
    """A document: its source, the hash of its content, the ids of its passages.

    `pending` is True if its passages may be half written or half removed.
    """

    id: str
    source: str
    hash: str
    passages: tuple[str, ...]
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What `finish` records of a source: the arguments of `finish`, and the time."""

    source: str
    fingerprint: str
    skipped: tuple[tuple[str, Note], ...]
    replaced: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """The documents and passages of one source, in numbers.

    `fingerprint` is None if the source was not read to its end. `read_at` is the time of this read, in UTC, or None if
    unknown.
    """

    source: str
    documents: int
    passages: int
    pending: int
    fingerprint: str | None
    read_at: datetime | None


class Ledger:
    """The record of one index folder. One thread at a time may use it.

    Every method that reads raises NotAnIndex if the file is damaged, or after `close`. Without a path, the file is a
    temporary one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._db.close()

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of every source that was read to its end."""
        return dict(self._read("SELECT name, fingerprint FROM sources"))

    def reading(self, source: str) -> tuple[list[tuple[str, Note]], int]:
        """Return what `finish` stored for a source: the skipped places with their reasons, and the replaced bytes."""
        rows = self._read("SELECT skipped, replaced FROM sources WHERE name = ?", source)
        skipped = [item for written, _ in rows for item in self._skipped(written)]
        return skipped, sum(replaced for _, replaced in rows)

    def readings(self) -> list[Reading]:
        """Return what is recorded of every source that was read to its end, and of documents without a file."""
        rows = self._read(READINGS)
        return [
            Reading(name, mark or "", tuple(self._skipped(skipped or "[]")), replaced or 0, self._time(at))
            for name, mark, skipped, replaced, at in rows
        ]

    def documents(self, source: str) -> dict[str, Entry]:
        """Return the documents of one source by id."""
        return {entry.id: entry for entry in self._entries("source = ?", source)}

    def pages(self, source: str) -> Iterator[list[Entry]]:
        """Yield the documents of one source in lists. The caller may remove those of the last list."""
        last = 0
        while rows := self._read(PAGE_OF_SOURCE, source, last):
            last = rows[-1][0]
            yield [self._entry(*row[1:]) for row in rows]

    def is_empty(self, source: str) -> bool:
        """Return whether the index has no document of this source."""
        return not self._read("SELECT 1 FROM documents WHERE source = ? LIMIT 1", source)

    def pending(self) -> list[Entry]:
        """Return the documents whose passages may be half written."""
        return list(self._entries("pending = 1"))

    def has_passages(self) -> bool:
        """Return whether the index has a document with passages that are not half written."""
        return bool(self._read("SELECT 1 FROM documents WHERE pending = 0 AND passages != '[]' LIMIT 1"))

    def known_sources(self) -> set[str]:
        """Return every source that was read to its end or has documents."""
        return {name for (name,) in self._read("SELECT name FROM sources UNION SELECT source FROM documents")}

    def owner(self, document_id: str) -> str | None:
        """Return the source of the document with this id, or None if the id is free."""
        rows = self._read("SELECT source FROM documents WHERE id = ?", document_id)
        return str(rows[0][0]) if rows else None

    def entry(self, document_id: str) -> Entry | None:
        """Return the document with this id, or None."""
        return next(iter(self._entries("id = ?", document_id)), None)

    def ids(self) -> list[str]:
        """Return the ids of all documents, sorted."""
        return [key for (key,) in self._read("SELECT id FROM documents ORDER BY id")]

    def passage_ids(self) -> set[str]:
        """Return the ids of the passages of all documents, with the old and the new ids of pending documents."""
        return {str(key) for (key,) in self._read("SELECT value FROM documents, json_each(documents.passages)")}

    def counts(self) -> list[SourceCounts]:
        """Return the numbers of each source, sorted by name."""
        return [
            SourceCounts(name, documents, passages, pending, mark, self._time(at))
            for name, documents, passages, pending, mark, at in self._read(COUNTS)
        ]

    def begin(self, entries: Sequence[Entry]) -> None:
        """Record the entries as pending, in one transaction."""
        self._record(entries, pending=True)

    def settle(self, entries: Sequence[Entry]) -> None:
        """Record the entries as done, in one transaction."""
        self._record(entries, pending=False)

    def forget(self, ids: Iterable[str]) -> None:
        """Delete the records of these documents."""
        self._remove("documents", list(ids))

    def finish(
        self,
        source: str,
        fingerprint: str,
        skipped: Sequence[tuple[str, Note]] = (),
        replaced: int = 0,
        at: datetime | None = None,
    ) -> None:
        """Record the source as read to its end, now or at the time `at`.

        `skipped` are the places that were not read ("" for the whole source), each with its reason. `replaced` counts
        the bytes that are not text in the source's encoding.
        """
        reasons = json.dumps([(place, note.to_dict()) for place, note in skipped])
        self._put({"read_times": [(source, _time(at))], "sources": [(source, fingerprint, reasons, replaced)]})

    def stamp(self, source: str, at: datetime | None = None) -> None:
        """Record that the source was read now, or at the time `at`."""
        self._put({"read_times": [(source, _time(at))]})

    def record(self, reading: Reading) -> None:
        """Record what `readings` of another ledger returned."""
        if reading.fingerprint or reading.skipped:
            self.finish(reading.source, reading.fingerprint, reading.skipped, reading.replaced, reading.at)
        elif reading.at is not None:
            self.stamp(reading.source, reading.at)

    def unfinish(self, source: str) -> None:
        """Record the source as not read to its end."""
        self._remove("sources", [source])

    def _record(self, entries: Sequence[Entry], *, pending: bool) -> None:
        rows = [(entry.id, entry.source, entry.hash, json.dumps(entry.passages), int(pending)) for entry in entries]
        self._put({"documents": rows})

    def _put(self, tables: Mapping[str, Sequence[Row]]) -> None:
        """Write rows of some tables in one transaction. A row replaces an earlier one with its key."""
        self._write(
            [
                (f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(COLUMNS[table]))})", rows)
                for table, rows in tables.items()
            ]
        )

    def _remove(self, table: str, keys: Sequence[str]) -> None:
        """Delete the rows with these keys in one transaction."""
        self._write([(f"DELETE FROM {table} WHERE {COLUMNS[table][0]} = ?", [(key,) for key in keys])])

    def _skipped(self, written: str) -> list[tuple[str, Note]]:
        try:
            return [(place, _note(reason)) for place, reason in json.loads(written)]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._damaged(error) from error

    def _time(self, written: str | None) -> datetime | None:
        try:
            return datetime.fromisoformat(written) if written is not None else None
        except ValueError as error:
            raise self._damaged(error) from error

    def _entries(self, condition: str, *values: str) -> Iterable[Entry]:
        query = f"SELECT id, source, hash, passages, pending FROM documents WHERE {condition}"
        return [self._entry(*row) for row in self._read(query, *values)]

    def _entry(self, key: str, source: str, content: str, passages: str, pending: int) -> Entry:
        return Entry(key, source, content, self._ids(passages), bool(pending))

    def _ids(self, passages: str) -> tuple[str, ...]:
        try:
            return tuple(json.loads(passages))
        except (ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def _read(self, query: str, *values: str | int) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeError) as error:
            raise self._damaged(error) from error

    def _write(self, statements: Sequence[tuple[str, Sequence[Row]]]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for statement, rows in statements:
                self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise IndexWriteFailed(f"cannot write {self._path}: {error}. Earlier commits are intact") from error

    def _damaged(self, error: Exception) -> NotAnIndex:
        return NotAnIndex(
            f"{self._path} cannot be read ({error}): if it is damaged, delete the folder and rebuild it with: "
            f"shortlist add PATH --index {self._path.parent if self._path is not None else 'DIR'}"
        )


def _time(at: datetime | None) -> str:
    """Return a time, or the present one, as text in ISO format."""
    return (at or datetime.now(timezone.utc)).isoformat(timespec="seconds")


def _note(fields: dict[str, Any]) -> Note:
    return Note(fields["code"], **{name: value for name, value in fields.items() if name != "code"})
