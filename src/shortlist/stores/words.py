"""BM25 beside a store that has vectors alone: an index of the store's passages, kept in a folder.

The index is that of an index folder, with the same BM25, so the fitted weights of "bm25_share" stay valid. The folder
holds a copy of the passages, because the words of a query are found in it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from shortlist.atomic_io import write_whole
from shortlist.errors import IndexWriteFailed, InvalidInput, NotAnIndex
from shortlist.protocols import Index
from shortlist.reprs import short_repr
from shortlist.search.listing import LeftOut
from shortlist.stores.store import Scored, Store, Vector
from shortlist.text.terms import ENGLISH, checked_language, language_of_most
from shortlist.types import Passage, Where

MANIFEST, LOCK = "words.json", "words.lock"
FORMAT = 2
"""Version 2 has other terms for BM25."""
DIMENSION = 1
"""The index needs vectors; theirs say nothing."""
BATCH = 500


class Engine(Protocol):
    """Makes and opens the indexes of an engine, as `collection.Engine`."""

    def create(self, folder: Path, *, dimension: int) -> Index:
        """Return a new, empty index in `folder`."""

    def open(self, folder: Path, *, dimension: int) -> Index:
        """Return the index in `folder`."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What an index was made of. `folder` is its name, `passages` their number, `digest` a hash of all of them.

    `language` is that of BM25's terms.
    """

    format: int
    folder: str
    passages: int
    digest: str
    language: str


def with_words(store: Store, folder: Path, engine: Engine, language: str | None = None) -> WithWords:
    """Return the store with BM25. The index in `folder` is made, or made again if the passages have changed.

    Every call reads all passages of the store, to see whether they have changed. Several processes may use one folder.

    Args:
        store: A store without words that can list its passages.
        folder: A folder for this store alone.
        engine: Makes the index.
        language: The language of the passages. None: that of most of the first passages. An index of another language
            is made again.

    Raises:
        InvalidInput: The store has words of its own, or cannot list its passages, or a passage cannot be used, or the
            language is unknown.
        StoreUnreachable, StoreRefused: The store cannot be read.
        IndexWriteFailed: The folder cannot be written.
    """
    if store.has_words:
        raise InvalidInput(
            f"{store.name} has a full-text search of its own, so BM25 beside it is not needed: leave out the option",
            field="words",
        )
    named = "" if language is None else checked_language(language)
    contents, digest = _read(folder), ""
    if contents is not None and named not in ("", contents.language):
        contents = None
    if contents is not None and contents.passages == len(store):
        digest = _digest_of(_listed(store))
    if contents is None or contents.digest != digest:
        contents = _make(store, folder, engine, named)
    try:
        return WithWords(store, _opened(folder, contents, engine))
    except NotAnIndex:
        return WithWords(store, _opened(folder, _make(store, folder, engine, named), engine))


def _opened(folder: Path, contents: Contents, engine: Engine) -> Index:
    index = engine.open(folder / contents.folder, dimension=DIMENSION)
    index.language = contents.language
    return index


class WithWords:
    """A store with an index of its words. Satisfies `stores.store.Store`; `with_words` makes it."""

    has_words = True

    def __init__(self, store: Store, index: Index) -> None:
        self._store, self._index = store, index

    def __repr__(self) -> str:
        return short_repr(self, self.name, {"vectors": self.has_vectors, "words": True})

    @property
    def name(self) -> str:
        """The name of the store."""
        return self._store.name

    @property
    def has_vectors(self) -> bool:
        """Whether the store has vectors."""
        return self._store.has_vectors

    @property
    def filters(self) -> bool:
        """Whether the store can filter."""
        return self._store.filters

    @property
    def exact(self) -> bool:
        """Whether `nearest` compares the vector with every passage."""
        return self._store.exact

    @property
    def gives_cosines(self) -> bool:
        """Whether the scores of `nearest` are cosines."""
        return self._store.gives_cosines

    @property
    def dimension(self) -> int | None:
        """The length of a stored vector."""
        return self._store.dimension

    @property
    def lossy(self) -> bool:
        """Whether the stored vectors are rounded."""
        return self._store.lossy

    def nearest(self, vector: Vector, k: int, where: Where | None = None) -> Scored:
        """Return what the store returns."""
        return self._store.nearest(vector, k, where)

    def matching(self, text: str, k: int, where: Where | None = None) -> Scored:
        """Return at most `k` passages by BM25 for `text`, highest first, and equal scores by id.

        Raises:
            InvalidInput: `k` is below 1, or `where` cannot be used.
        """
        return self._index.matching(text, k, where)

    def both(self, vector: Vector, text: str, k: int, where: Where | None = None) -> tuple[Scored, Scored]:
        """Return what `nearest` and `matching` return."""
        return self.nearest(vector, k, where), self.matching(text, k, where)

    def similarities(self, vector: Vector, ids: Sequence[str]) -> list[float]:
        """Return what the store returns."""
        return self._store.similarities(vector, ids)

    def vectors(self, ids: Sequence[str]) -> Vector:
        """Return what the store returns."""
        return self._store.vectors(ids)

    def sample(self) -> tuple[Passage, Vector] | None:
        """Return what the store returns."""
        return self._store.sample()

    def passages(self, left_out: LeftOut | None = None) -> Iterator[Passage] | None:
        """Return what the store returns."""
        return self._store.passages(left_out)

    def close(self) -> None:
        """Close the index and the store. A second call does nothing."""
        self._index.close()
        self._store.close()

    def __len__(self) -> int:
        return len(self._store)


def _listed(store: Store) -> Iterator[Passage]:
    passages = store.passages()
    if passages is None:
        raise InvalidInput(f"{store.name} cannot list its passages, so BM25 cannot read them", field="words")
    return passages


def _make(store: Store, folder: Path, engine: Engine, language: str) -> Contents:
    """Make the index again in a new folder, and remove the other ones. One process at a time makes it.

    Without a `language`, the passages show it.
    """
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK):
            place = Path(tempfile.mkdtemp(prefix="index-", dir=folder))
            contents = _filled(store, place, engine, language)
            write_whole(folder / MANIFEST, json.dumps(asdict(contents)), IndexWriteFailed)
            for other in folder.glob("index-*"):
                if other != place:
                    shutil.rmtree(other, ignore_errors=True)
    except OSError as error:
        raise IndexWriteFailed(
            f"the index of words in {folder} cannot be written: {error.strerror or error}"
        ) from error
    return contents


def _filled(store: Store, place: Path, engine: Engine, language: str) -> Contents:
    index = engine.create(place, dimension=DIMENSION)
    digest, count = blake2b(digest_size=16), 0
    try:
        passages = _listed(store)
        while batch := list(islice(passages, BATCH)):
            if not count:
                index.language = language or language_of_most(passage.text for passage in batch) or ENGLISH
            index.add(batch, np.ones((len(batch), DIMENSION), dtype=np.float32))
            _update(digest, batch)
            count += len(batch)
    except BaseException:
        index.close()
        shutil.rmtree(place, ignore_errors=True)
        raise
    index.close()
    return Contents(FORMAT, place.name, len(store), digest.hexdigest(), index.language)


def _read(folder: Path) -> Contents | None:
    """What the index in the folder was made of; None without a usable index."""
    try:
        contents = Contents(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return contents if contents.format == FORMAT and (folder / contents.folder).is_dir() else None


def _digest_of(passages: Iterable[Passage]) -> str:
    digest = blake2b(digest_size=16)
    _update(digest, passages)
    return digest.hexdigest()


def _update(digest: blake2b, passages: Iterable[Passage]) -> None:
    for passage in passages:
        fields = [passage.id, passage.document_id, passage.title, passage.text, dict(passage.metadata)]
        digest.update(json.dumps(fields, sort_keys=True).encode())
