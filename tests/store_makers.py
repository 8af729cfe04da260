"""Functions that put passages into a store, one for each kind: the contract suite runs over all of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fake_store import FakeBackend
from shortlist.stores.kinds import load_store
from shortlist.stores.open_store import OpenStore
from shortlist.stores.sqlite import driver, load_vec
from shortlist.types import Passage

Vectors = NDArray[np.float32]
Make = Callable[[Path, Sequence[Passage], Vectors], OpenStore]


@dataclass(frozen=True, slots=True)
class Maker:
    """How a test makes a store of a kind.

    `packages` must be installed. `words` is True if the store can be searched by words, `lists` if a field can hold a
    list, and `repeats` if two rows can have one id. `flags` is True if true and false are values of their own.
    """

    kind: str
    make: Make
    packages: tuple[str, ...] = ()
    words: bool = True
    lists: bool = True
    repeats: bool = False
    filters: bool = True


def fake(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    return OpenStore(FakeBackend(passages, vectors))


def by_distance(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    return OpenStore(FakeBackend(passages, vectors, metric="l2"))


def by_product(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    return OpenStore(FakeBackend(passages, vectors, metric="dot"))


def sqlite_connection(file: Path) -> sqlite3.Connection:
    connection = driver().connect(file)
    if not load_vec(connection):
        pytest.skip("this Python cannot load sqlite-vec")
    return connection


def notes_table(connection: sqlite3.Connection, passages: Sequence[Passage], *, full_text: bool = True) -> None:
    connection.execute(
        "create table notes(id text, text text, title text, document_id text, year integer, lang text, "
        "open boolean, size real, metadata text)"
    )
    own = ("year", "lang", "open", "size")
    rows = [
        (
            *(note.id, note.text, note.title, note.document_id, *(note.metadata.get(name) for name in own)),
            json.dumps({name: value for name, value in note.metadata.items() if name not in own}),
        )
        for note in passages
    ]
    connection.executemany("insert into notes values(?,?,?,?,?,?,?,?,?)", rows)
    if full_text:
        connection.execute("create virtual table notes_fts using fts5(title, text, content='notes')")
        connection.execute("insert into notes_fts(notes_fts) values('rebuild')")


def blob(vector: Vectors) -> bytes:
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def sqlite_with_vec0(metric: str) -> Make:
    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        connection = sqlite_connection(folder / "notes.db")
        notes_table(connection, passages)
        size = vectors.shape[1]
        connection.execute(f"create virtual table vec_notes using vec0(embedding float[{size}]{metric})")
        rows = [(place, blob(vector)) for place, vector in enumerate(vectors, start=1)]
        connection.executemany("insert into vec_notes(rowid, embedding) values(?, ?)", rows)
        connection.commit()
        connection.close()
        return load_store(f"sqlite:notes@{folder / 'notes.db'}")

    return make


def sqlite_with_blobs(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    connection = sqlite_connection(folder / "notes.db")
    notes_table(connection, passages)
    connection.execute("alter table notes add column embedding blob")
    rows = [(blob(vector), place) for place, vector in enumerate(vectors, start=1)]
    connection.executemany("update notes set embedding = ? where rowid = ?", rows)
    connection.commit()
    connection.close()
    return load_store(f"sqlite:notes@{folder / 'notes.db'}")


def sqlite_with_one_vec0(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    """One vec0 table that holds the texts itself."""
    connection = sqlite_connection(folder / "notes.db")
    connection.execute(
        f"create virtual table notes using vec0(id text primary key, embedding float[{vectors.shape[1]}] "
        "distance_metric=cosine, +text text, +title text, +document_id text, +metadata text)"
    )
    for note, vector in zip(passages, vectors, strict=True):
        row = (note.id, blob(vector), note.text, note.title, note.document_id, json.dumps(note.metadata))
        connection.execute(
            "insert into notes(id, embedding, text, title, document_id, metadata) values(?, ?, ?, ?, ?, ?)", row
        )
    connection.commit()
    connection.close()
    return load_store(f"sqlite:notes@{folder / 'notes.db'}")


VEC = ("sqlite_vec",)
MAKERS: dict[str, Maker] = {
    "fake, cosine": Maker("", fake, repeats=True),
    "fake, squared distance": Maker("", by_distance, repeats=True),
    "fake, inner product": Maker("", by_product, repeats=True),
    "sqlite, vec0 by distance": Maker("sqlite", sqlite_with_vec0(""), VEC, repeats=True),
    "sqlite, vec0 by cosine": Maker("sqlite", sqlite_with_vec0(" distance_metric=cosine"), VEC, repeats=True),
    "sqlite, blobs": Maker("sqlite", sqlite_with_blobs, VEC, repeats=True),
    "sqlite, one vec0": Maker("sqlite", sqlite_with_one_vec0, VEC, words=False),
}
