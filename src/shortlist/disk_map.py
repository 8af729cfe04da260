"""A map of strings that needs little memory, also with millions of keys."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from shortlist.errors import IndexWriteFailed

IN_MEMORY = 10_000
"""Keys. A larger map continues in a temporary file."""


class DiskMap:
    """Keys with their first values. The first `in_memory` keys are in memory, and more are in a temporary file.

    The file has no name and goes with the object. Every method raises IndexWriteFailed if the disk is full or failing.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._recent: dict[str, str] = {}
        self._limit = in_memory
        self._stored = 0
        self._file: sqlite3.Connection | None = None

    def setdefault(self, key: str, value: str = "") -> str:
        """Return the value of the key. A new key gets `value`."""
        known = self._get(key)
        if known is not None:
            return known
        self._recent[key] = value
        if len(self._recent) > self._limit:
            self._store()
        return value

    def __contains__(self, key: str) -> bool:
        """Whether the map has the key."""
        return self._get(key) is not None

    def __len__(self) -> int:
        """The number of keys."""
        return self._stored + len(self._recent)

    def _get(self, key: str) -> str | None:
        known = self._recent.get(key)
        if known is not None or self._file is None:
            return known
        with _translated():
            row = self._file.execute("SELECT value FROM pairs WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _store(self) -> None:
        """Move the pairs in memory into the file."""
        with _translated():
            if self._file is None:
                self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
                self._file.execute("PRAGMA journal_mode = OFF")
                self._file.execute("CREATE TABLE pairs (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
            self._file.execute("BEGIN")
            self._file.executemany("INSERT INTO pairs VALUES (?, ?)", self._recent.items())
            self._file.execute("COMMIT")
        self._stored += len(self._recent)
        self._recent = {}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise IndexWriteFailed(f"cannot write a temporary file in {tempfile.gettempdir()}: {error}") from error
