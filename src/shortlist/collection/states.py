"""The states of passages in SQLite, next to the ledger: what a reranker computes from a passage without the query.

The file is optional: an index that has the file precomputes. A state belongs to a text, not to a passage. Two passages
with the same text share a state, and a search finds a state by the text. Each row of `passages` names the text of a
passage; a state stays until no row names its text.

The changes follow the protocol of the ledger: a document is pending while its passages, their vectors and their states
change. Every change is one transaction. `Precompute` adds the states that a killed run did not reach.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shortlist.errors import IndexWriteFailed, NotAnIndex
from shortlist.protocols import KeepsStates, Reranker
from shortlist.search.scores import info_of

FILE = "states.sqlite"
JOURNAL = f"{FILE}-journal"
CODEC = 1
"""The version of the bytes of a state. What the model's own files determine is part of the hash."""
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS made_by (reranker TEXT NOT NULL, hash TEXT NOT NULL, codec INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS states (text_hash BLOB PRIMARY KEY, state BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS passages (id TEXT PRIMARY KEY, text_hash BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS passages_by_text ON passages (text_hash)",
)
AT_ONCE = 500
"""Texts in one query. Older versions of SQLite allow 999."""


@dataclass(frozen=True, slots=True)
class MadeBy:
    """The reranker that computed the states: its name, the hash of all that they depend on, and their version.

    Two rerankers with the same hash compute the same states, whatever their names: see `adapt`, which changes the last
    layer alone.
    """

    reranker: str = field(compare=False)
    hash: str
    codec: int = CODEC


def maker(reranker: Reranker) -> MadeBy:
    """Return the description of the states that this reranker computes."""
    return MadeBy(info_of(reranker).name, reranker.states_hash() if isinstance(reranker, KeepsStates) else "")


def hash_of(text: str) -> bytes:
    """Return the 16-byte hash of a text under which its state is stored."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class States:
    """The states of one index folder. Several threads may use it.

    Every method that reads raises NotAnIndex if the file is damaged, or after `close`. Every method that writes raises
    IndexWriteFailed if the disk is full or failing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA synchronous = FULL")
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error
        try:
            self._made_by = self._read_made_by()
        except NotAnIndex:
            self._db.close()
            raise

    @property
    def made_by(self) -> MadeBy | None:
        """The reranker of the states, or None before the first `renew`."""
        return self._made_by

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._db.close()

    def renew(self, made_by: MadeBy) -> None:
        """Remove every state, and record the reranker of the states to come."""
        with self._transaction():
            for statement in SCHEMA:
                self._db.execute(statement)
            for table in ("made_by", "states", "passages"):
                self._db.execute(f"DELETE FROM {table}")
            row = (made_by.reranker, made_by.hash, made_by.codec)
            self._db.execute("INSERT INTO made_by VALUES (?, ?, ?)", row)
        self._made_by = made_by

    def replace(self, old: Iterable[str], texts: Mapping[str, bytes], states: Mapping[bytes, bytes]) -> None:
        """Remove the passages `old`, and store passages with their states, in one transaction.

        `texts` maps the id of a passage to the hash of its text, and `states` a hash to its state. A passage without a
        state, stored or given, is left out. States that no passage needs any more are removed.
        """
        with self._transaction():
            before = self._hashes_of({*old, *texts})
            self._db.executemany("DELETE FROM passages WHERE id = ?", [(key,) for key in {*old, *texts}])
            self._db.executemany("INSERT OR REPLACE INTO states VALUES (?, ?)", list(states.items()))
            self._db.executemany(
                "INSERT INTO passages SELECT ?, text_hash FROM states WHERE text_hash = ?", list(texts.items())
            )
            self._db.executemany(
                "DELETE FROM states WHERE text_hash = ?1 AND NOT EXISTS (SELECT 1 FROM passages WHERE text_hash = ?1)",
                [(key,) for key in {*before, *states}],
            )

    def delete(self, ids: Iterable[str]) -> None:
        """Remove these passages, and the states that no other passage needs. Unknown ids are ignored."""
        self.replace(ids, {}, {})

    def lookup(self, hashes: Sequence[bytes]) -> list[bytes | None]:
        """Return the state of each text, by the hash of the text, or None for a text without a state."""
        states = dict(self._select("SELECT text_hash, state FROM states WHERE text_hash IN ({})", hashes))
        return [states.get(key) for key in hashes]

    def known(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Return those of these hashes whose texts have a state."""
        return {key for (key,) in self._select("SELECT text_hash FROM states WHERE text_hash IN ({})", hashes)}

    def ids(self) -> set[str]:
        """Return the ids of the passages that have a state."""
        return {key for (key,) in self._read("SELECT id FROM passages")}

    def counts(self) -> tuple[int, int]:
        """Return the number of passages that have a state, and the number of states."""
        ((passages, states),) = self._read("SELECT (SELECT COUNT(*) FROM passages), (SELECT COUNT(*) FROM states)")
        return int(passages), int(states)

    def _hashes_of(self, ids: Iterable[str]) -> set[bytes]:
        """The hashes of the texts of these passages, inside a transaction."""
        keys = list(ids)
        hashes: set[bytes] = set()
        for start in range(0, len(keys), AT_ONCE):
            part = keys[start : start + AT_ONCE]
            query = f"SELECT text_hash FROM passages WHERE id IN ({_marks(part)})"
            hashes |= {key for (key,) in self._db.execute(query, part)}
        return hashes

    def _select(self, query: str, hashes: Sequence[bytes]) -> list[Any]:
        keys = list(dict.fromkeys(hashes))
        parts = [keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE)]
        return [row for part in parts for row in self._read(query.format(_marks(part)), *part)]

    def _read_made_by(self) -> MadeBy | None:
        """The stored description. A run that was killed before the first `renew` leaves a file without tables."""
        if not self._read("SELECT 1 FROM sqlite_master WHERE name = 'made_by'"):
            return None
        rows = self._read("SELECT reranker, hash, codec FROM made_by")
        return MadeBy(*rows[0]) if rows else None

    def _read(self, query: str, *values: bytes) -> list[Any]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeError) as error:
            raise self._damaged(error) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit at the end. An error undoes the changes."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._undo()
                raise IndexWriteFailed(f"cannot write {self._path}: {error}. Earlier commits are intact") from error
            except BaseException:
                self._undo()
                raise

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")

    def _damaged(self, error: Exception) -> NotAnIndex:
        return NotAnIndex(
            f"{self._path} cannot be read ({error}): if it is damaged, delete this file and make it again with: "
            f"shortlist add --precompute --index {self._path.parent}"
        )


def stored_states(file: Path) -> States | None:
    """Return the states in the file.

    None if there is no file, or if a run was killed before it recorded its reranker.
    """
    if not file.is_file():
        return None
    states = States(file)
    if states.made_by is None:
        states.close()
        return None
    return states


def remove_file(folder: Path) -> int:
    """Delete the file with the states of a closed `States`, and return the bytes that it used; 0 without a file.

    Raises:
        IndexWriteFailed: The file cannot be deleted.
    """
    file = folder / FILE
    try:
        freed = file.stat().st_size
        file.unlink()
        (folder / JOURNAL).unlink(missing_ok=True)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise IndexWriteFailed(f"cannot delete {file}: {error.strerror or error}") from error
    return freed


def _marks(keys: Sequence[object]) -> str:
    return ",".join("?" * len(keys))
