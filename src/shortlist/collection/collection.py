"""An open index: its passages, its manifest, its ledger, its stored states and its lock."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from shortlist.collection import manifest as manifests
from shortlist.collection.contents import Contents, described
from shortlist.collection.ledger import Entry, Ledger
from shortlist.collection.lock import WAIT, FolderLock, check_process, is_fork
from shortlist.collection.manifest import ENGINE_FOLDER
from shortlist.collection.place import FolderPlace, Place, check_has_ledger, check_has_passages, prepared
from shortlist.collection.states import FILE as STATES_FILE
from shortlist.collection.states import MadeBy, States, hash_of, remove_file, stored_states
from shortlist.errors import FolderError, IndexMismatch, InvalidInput, ShortlistError
from shortlist.protocols import Index
from shortlist.text.terms import ENGLISH, checked_language, language_of_most
from shortlist.types import Passage


class Engine(Protocol):
    """Makes and opens the indexes of one engine. An engine has a folder of its own inside the index folder."""

    def create(self, folder: Path, *, dimension: int, exact: bool = False) -> Index:
        """Return a new, empty index in `folder`, which exists and is empty.

        With `exact`, every search compares the vector of the query with that of every passage.

        Raises:
            IndexWriteFailed: The folder cannot be written.
        """

    def open(self, folder: Path, *, dimension: int, exact: bool = False) -> Index:
        """Return the index in `folder`. `exact` is that of `create`.

        Raises:
            NotAnIndex: The folder has no index of this engine, or a damaged one.
        """


class Collection:
    """An index that is open in this process. `create` and `open` make that of a folder.

    `place` is where the index is. `index` stores the passages. `manifest` describes the index. `ledger` records which
    source gave which documents. `states` has what a reranker computed from the passages, or is None if the index does
    not precompute.
    """

    def __init__(self, place: Place, manifest: manifests.Manifest, index: Index) -> None:
        self.place = place
        self.manifest = manifest
        self.index = index
        self.index.language = self.language
        self._language = ""
        self.states = None if place.folder is None else stored_states(place.folder / STATES_FILE)
        self._closed = False

    @property
    def name(self) -> str:
        """The index folder, or the name of the index on a server."""
        return self.place.name

    @property
    def ledger(self) -> Ledger:
        """The record of which source gave which documents."""
        return self.place.ledger

    @property
    def root(self) -> Path:
        """The folder to which the names of sources are relative. See the places for the reason."""
        return self.place.root

    def contents(self) -> Contents:
        """Return what the index holds. Half-written documents count as complete. Raises as `check_open`."""
        self.check_open()
        return described(self.manifest, self.ledger, self.place.bytes_on_disk(), self.place.folder)

    @classmethod
    def create(
        cls,
        folder: Path,
        engines: Mapping[str, Engine],
        *,
        engine: str,
        encoder_name: str,
        dimension: int,
        exact: bool = False,
    ) -> Collection:
        """Return a new, empty index in `folder`. A missing folder is created.

        `engine` is a name in `engines`. `encoder_name` names the bi-encoder, and `dimension` is the length of a vector.
        With `exact`, every search compares the vector of the query with that of every passage.

        Raises:
            NotAnIndex: The folder contains other files, or an index already.
            IndexWriteFailed: The folder cannot be written.
            InvalidInput: `dimension` is below 1, or the engine is unknown.
        """
        if dimension < 1:
            raise InvalidInput(f"dimension must be at least 1, not {dimension}")
        if engine not in engines:
            raise InvalidInput(f"the engine {engine!r} is unknown; the engines are {', '.join(engines)}")
        with ExitStack() as undo:
            lock = FolderLock(prepared(folder))
            undo.callback(lock.release)
            prepared(folder)  # another process may have made an index while this one waited for the lock
            data = folder / ENGINE_FOLDER
            # A kill during this function leaves an engine folder without a manifest.
            shutil.rmtree(data, ignore_errors=True)
            data.mkdir()
            index = engines[engine].create(data, dimension=dimension, exact=exact)
            undo.callback(index.close)
            manifest = manifests.Manifest(encoder_name, dimension, engine)
            manifests.write(folder, manifest)
            collection = cls(FolderPlace(folder, lock), manifest, index)
            undo.pop_all()
        return collection

    @classmethod
    def open(
        cls,
        folder: Path,
        engines: Mapping[str, Engine],
        *,
        encoder_name: str | None = None,
        wait: float = WAIT,
        exact: bool = False,
    ) -> Collection:
        """Return the index in `folder`. If another process has it open, wait up to `wait` seconds.

        With `exact`, every search compares the vector of the query with that of every passage.

        Raises:
            NotAnIndex: There is no folder, no index in it, or a damaged one: also one that lost all its passages or
                its ledger.
            IndexMismatch: The index was made with another bi-encoder than `encoder_name`, in another format, or with an
                engine that is not in `engines`.
            IndexLocked: The index is open already, in this or another process.
        """
        manifest = manifests.read(folder)
        if encoder_name is not None and encoder_name != manifest.encoder:
            raise IndexMismatch(
                f"{folder} was made with the bi-encoder {manifest.encoder}, not {encoder_name}: use its own "
                "bi-encoder, or make a new index"
            )
        if manifest.engine not in engines:
            raise IndexMismatch(
                f"{folder} was made with the engine {manifest.engine!r}, which this version does not have: the engines "
                f"are {', '.join(engines)}"
            )
        with ExitStack() as undo:
            lock = FolderLock(folder, wait)
            undo.callback(lock.release)
            data, engine = folder / ENGINE_FOLDER, engines[manifest.engine]
            index = engine.open(data, dimension=manifest.dimension, exact=exact)
            undo.callback(index.close)
            check_has_ledger(folder, len(index))
            collection = cls(FolderPlace(folder, lock), manifest, index)
            undo.callback(collection.close)
            check_has_passages(folder, len(index), collection.ledger)
            undo.pop_all()
        return collection

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Yield while this process is the only one that changes the index.

        Raises:
            IndexLocked: Another process changes the index, which is on a server.
        """
        with self.place.writing() as manifest:
            if manifest is not None:
                self.manifest, self.index.language = manifest, manifest.language or ENGLISH
            yield

    def check_open(self) -> None:
        """Raise an error if the index cannot be used.

        Raises:
            FolderError: `close` was called, or this process is a fork of the one that opened the index.
        """
        if self._closed:
            raise FolderError(f"the index is closed: open {self.name} again")
        check_process(self.place.process, self.name)

    @property
    def language(self) -> str:
        """The language of BM25's terms. An index without texts has English."""
        return self.manifest.language or ENGLISH

    def use_language(self, name: str | None) -> None:
        """Take the language that the user names for BM25's terms. None leaves the choice to `settle_language`.

        Raises:
            InvalidInput: The language is unknown.
            IndexMismatch: The index was made with another language. In both cases, the index is closed.
        """
        try:
            language = checked_language(name) if name is not None else ""
            if language and self.manifest.language and language != self.manifest.language:
                raise IndexMismatch(
                    f"{self.name} was made with the language {self.manifest.language}, not {language}: leave out the "
                    "language, or make a new index"
                )
        except ShortlistError:
            self.close()
            raise
        self._language = language

    def settle_language(self, texts: Iterable[str]) -> None:
        """Store the language of BM25's terms with the index, unless it has one.

        The language is that of `use_language`, or that of most of the texts, or English. Without texts, the method does
        nothing.

        Raises:
            IndexWriteFailed: The disk is full or read-only.
        """
        if self.manifest.language or not (sample := list(texts)):
            return
        self.keep_language(self._language or language_of_most(sample) or ENGLISH)

    def keep_language(self, language: str) -> None:
        """Store the language of BM25's terms, before the first passage.

        Raises:
            IndexWriteFailed: The disk is full or read-only.
        """
        manifest = replace(self.manifest, language=language)
        self.place.write_manifest(manifest)
        self.manifest, self.index.language = manifest, language

    def drop(self, entries: Sequence[Entry]) -> None:
        """Remove these documents and their passages. Until the end, the ledger marks all documents as pending."""
        self.ledger.begin(entries)
        self.index.delete(key for entry in entries for key in entry.passages)
        self.index.flush()
        self.replace_states([key for entry in entries for key in entry.passages])
        self.ledger.forget(entry.id for entry in entries)

    def keep_states(self, made_by: MadeBy) -> None:
        """Make the index precompute. If the stored states were made by another reranker, remove them.

        Raises:
            InvalidInput: The index is on a server, which stores no states.
            IndexWriteFailed: The disk is full or failing.
        """
        if self.place.folder is None:
            raise InvalidInput(
                f"{self.name} is an index on a server, which cannot store the states of passages: leave out precompute",
                field="precompute",
            )
        states = self.states or States(self.place.folder / STATES_FILE)
        if states.made_by != made_by:
            states.renew(made_by)
        self.states = states

    def drop_states(self) -> int:
        """Stop precomputing, delete the stored states, and return the bytes that they used.

        Raises:
            IndexWriteFailed: The file cannot be deleted.
        """
        if self.states is not None:
            self.states.close()
            self.states = None
        return 0 if self.place.folder is None else remove_file(self.place.folder)

    def replace_states(
        self, old: Iterable[str], passages: Sequence[Passage] = (), states: Mapping[bytes, bytes] | None = None
    ) -> None:
        """Remove the states of the passages `old`, and store those of `passages`: see `States.replace`.

        `states` maps the hash of a text to its state. If the index does not precompute, the method does nothing.
        """
        if self.states is not None:
            texts = {passage.id: hash_of(passage.content) for passage in passages}
            self.states.replace(list(old), texts, states or {})

    def close(self) -> None:
        """Write everything to disk and release the place. A second call does nothing, nor does a call in a fork."""
        if is_fork(self.place.process):
            return
        self._closed = True
        with ExitStack() as parts:
            parts.callback(self.place.close)
            if self.states is not None:
                parts.callback(self.states.close)
            self.index.close()

    def __enter__(self) -> Collection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
