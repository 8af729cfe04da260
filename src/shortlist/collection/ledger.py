"""Which source gave which documents and passages, in SQLite beside the shard.

A document is first written down as pending, with every passage id it had or will have; then the shard is
changed and flushed; then it is settled. A document that is pending when a run starts was interrupted: until its
source is read again some passages may be of the old text and some of the new, and reading it replaces them all. So
after the same run again nothing is lost and nothing stands twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from shortlist.errors import IndexWriteFailed, NotAnIndex

FILE = "sources.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS sources (
    name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, skipped TEXT NOT NULL, replaced INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, hash TEXT NOT NULL, passages TEXT NOT NULL, pending INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS documents_by_source ON documents (source);
CREATE TABLE IF NOT EXISTS read_times (name TEXT PRIMARY KEY, at TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document: where it came from, the hash of its content, and its passages' ids.

    `pending` is True where its passages may be half written or half removed.
    """

    id: str
    source: str
    hash: str
    passages: tuple[str, ...]
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What one source gave. `finished`: it was read to its end; `read_at`: when, UTC, None where that is not known."""

    source: str
    documents: int
    passages: int
    pending: int
    finished: bool
    read_at: datetime | None


HELD = """
SELECT known.name, COUNT(d.id), COALESCE(SUM(json_array_length(d.passages)), 0), COALESCE(SUM(d.pending), 0),
    EXISTS (SELECT 1 FROM sources WHERE name = known.name), (SELECT at FROM read_times WHERE name = known.name)
FROM (SELECT name FROM sources UNION SELECT source FROM documents) AS known
LEFT JOIN documents AS d ON d.source = known.name
GROUP BY known.name ORDER BY known.name
"""


class Ledger:
    """The bookkeeping of one index folder. Not for several threads at once.

    Every method that reads raises NotAnIndex where the file turns out to be damaged, or after `close`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise NotAnIndex(f"{path} is damaged ({error}). Make the index again.") from error

    def close(self) -> None:
        """Closes the file; calling it twice is fine."""
        self._db.close()

    def sources(self) -> dict[str, str]:
        """Every source that was read to its end -> its fingerprint."""
        return dict(self._read("SELECT name, fingerprint FROM sources"))

    def told(self, source: str) -> tuple[list[tuple[str, str]], int]:
        """What `finish` was told of a source: the places skipped, each with why, and how many bytes were replaced."""
        rows = self._read("SELECT skipped, replaced FROM sources WHERE name = ?", source)
        try:
            return [(place, reason) for held, _ in rows for place, reason in json.loads(held)], sum(n for _, n in rows)
        except (ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def documents(self, source: str) -> dict[str, Entry]:
        """The documents of one source by id."""
        return {entry.id: entry for entry in self._entries("source = ?", source)}

    def gave_nothing(self, source: str) -> bool:
        """Whether no document of this source is held."""
        return not self._read("SELECT 1 FROM documents WHERE source = ? LIMIT 1", source)

    def pending(self) -> list[Entry]:
        """The documents whose passages may be half written."""
        return list(self._entries("pending = 1"))

    def known_sources(self) -> set[str]:
        """Every source that is finished or has documents."""
        return {name for (name,) in self._read("SELECT name FROM sources UNION SELECT source FROM documents")}

    def owner(self, document_id: str) -> str | None:
        """The source that holds this document id; None when it is free."""
        rows = self._read("SELECT source FROM documents WHERE id = ?", document_id)
        return str(rows[0][0]) if rows else None

    def entry(self, document_id: str) -> Entry | None:
        """The document with this id; None where there is none."""
        return next(iter(self._entries("id = ?", document_id)), None)

    def ids(self) -> list[str]:
        """The ids of all documents, sorted."""
        return [key for (key,) in self._read("SELECT id FROM documents ORDER BY id")]

    def held(self) -> list[Held]:
        """What each source gave, sorted by name."""
        return [
            Held(name, documents, passages, pending, bool(finished), self._time(at))
            for name, documents, passages, pending, finished, at in self._read(HELD)
        ]

    def _time(self, written: str | None) -> datetime | None:
        try:
            return datetime.fromisoformat(written) if written is not None else None
        except ValueError as error:
            raise self._damaged(error) from error

    def _entries(self, condition: str, *values: str) -> Iterable[Entry]:
        query = f"SELECT id, source, hash, passages, pending FROM documents WHERE {condition}"
        for key, source, content, passages, pending in self._read(query, *values):
            yield Entry(key, source, content, self._ids(passages), bool(pending))

    def _ids(self, passages: str) -> tuple[str, ...]:
        try:
            return tuple(json.loads(passages))
        except (ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def _read(self, query: str, *values: str) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> NotAnIndex:
        return NotAnIndex(f"{self._path} can't be read ({error}). If it is damaged, make the index again.")

    def begin(self, entries: Sequence[Entry]) -> None:
        """Writes the entries down as pending, in one transaction."""
        self._write(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, 1)",
            [(e.id, e.source, e.hash, json.dumps(e.passages)) for e in entries],
        )

    def settle(self, entries: Sequence[Entry]) -> None:
        """Writes the entries down as done, in one transaction."""
        self._write(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, 0)",
            [(e.id, e.source, e.hash, json.dumps(e.passages)) for e in entries],
        )

    def forget(self, ids: Iterable[str]) -> None:
        """Drops these documents."""
        self._write("DELETE FROM documents WHERE id = ?", [(key,) for key in ids])

    def finish(self, source: str, fingerprint: str, skipped: Sequence[tuple[str, str]] = (), replaced: int = 0) -> None:
        """Marks the source as read to its end, but for what was `skipped`: places in it ("" for all of it), and why.

        `replaced` counts its bytes that are no text in its encoding.
        """
        self.stamp(source)
        row = (source, fingerprint, json.dumps(skipped), replaced)
        self._write("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?)", [row])

    def stamp(self, source: str) -> None:
        """Writes down that the source was read now."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._write("INSERT OR REPLACE INTO read_times VALUES (?, ?)", [(source, now)])

    def unfinish(self, source: str) -> None:
        """Marks the source as not, or no longer, read to its end."""
        self._write("DELETE FROM sources WHERE name = ?", [(source,)])

    def _write(self, statement: str, rows: Sequence[tuple[str | int, ...]]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise IndexWriteFailed(
                f"can't write the index's ledger: {error}. What was there before is intact."
            ) from error
