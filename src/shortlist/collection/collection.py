"""The folder of an index: its engine, its manifest, its ledger, its stored states and its lock."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from shortlist.collection import manifest as manifests
from shortlist.collection.ledger import FILE as LEDGER_FILE
from shortlist.collection.ledger import Entry, Ledger
from shortlist.collection.lock import FILE as LOCK_FILE
from shortlist.collection.lock import HOLDER, WAIT, FolderLock
from shortlist.collection.manifest import ENGINE_FOLDER
from shortlist.collection.states import FILE as STATES_FILE
from shortlist.collection.states import MadeBy, States, hash_of, remove_file
from shortlist.errors import FolderError, IndexMismatch, IndexWriteFailed, InvalidInput, NotAnIndex, ShortlistError
from shortlist.protocols import Index
from shortlist.text.terms import ENGLISH, checked_language, language_of_most
from shortlist.types import Passage


class Engine(Protocol):
    """Makes and opens the indexes of one engine. An engine has a folder of its own inside the index folder."""

    def create(self, folder: Path, *, dimension: int) -> Index:
        """Return a new, empty index in `folder`, which exists and is empty.

        Raises:
            IndexWriteFailed: The folder cannot be written.
        """

    def open(self, folder: Path, *, dimension: int) -> Index:
        """Return the index in `folder`.

        Raises:
            NotAnIndex: The folder has no index of this engine, or a damaged one.
        """


class Collection:
    """An index folder that is open in this process. `create` and `open` make it.

    `index` stores the passages. `manifest` describes the folder. `ledger` records which source gave
    which documents. `states` has what a reranker computed from the passages, or is None if the index does not
    precompute.
    """

    def __init__(self, folder: Path, manifest: manifests.Manifest, index: Index, lock: FolderLock) -> None:
        self.folder = folder
        self.manifest = manifest
        self.index = index
        self.index.language = self.language
        self._language = ""
        self.states = _stored_states(folder / STATES_FILE)
        self.ledger = Ledger(folder / LEDGER_FILE)
        self._closed = False
        self._lock = lock

    @property
    def root(self) -> Path:
        """The folder that contains the index folder, with links resolved. Sources below it are named relative to it.

        Ids therefore do not depend on the current folder. An index next to its documents has the same ids on every
        machine.
        """
        return self.folder.resolve().parent

    @classmethod
    def create(
        cls, folder: Path, engines: Mapping[str, Engine], *, engine: str, encoder_name: str, dimension: int
    ) -> Collection:
        """Return a new, empty index in `folder`. A missing folder is created.

        `engine` is a name in `engines`. `encoder_name` names the bi-encoder, and `dimension` is the length of a vector.

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
            lock = FolderLock(_prepared(folder))
            undo.callback(lock.release)
            _prepared(folder)  # another process may have made an index while this one waited for the lock
            data = folder / ENGINE_FOLDER
            # A kill during this function leaves an engine folder without a manifest.
            shutil.rmtree(data, ignore_errors=True)
            data.mkdir()
            index = engines[engine].create(data, dimension=dimension)
            undo.callback(index.close)
            manifest = manifests.Manifest(encoder_name, dimension, engine)
            manifests.write(folder, manifest)
            collection = cls(folder, manifest, index, lock)
            undo.pop_all()
        return collection

    @classmethod
    def open(
        cls, folder: Path, engines: Mapping[str, Engine], *, encoder_name: str | None = None, wait: float = WAIT
    ) -> Collection:
        """Return the index in `folder`. If another process has it open, wait up to `wait` seconds.

        Raises:
            NotAnIndex: There is no folder, no index in it, or a damaged one: also one that lost all its passages.
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
            index = engines[manifest.engine].open(folder / ENGINE_FOLDER, dimension=manifest.dimension)
            undo.callback(index.close)
            collection = cls(folder, manifest, index, lock)
            undo.callback(collection.close)
            if not len(index) and collection.ledger.has_passages():
                raise NotAnIndex(
                    f"the index in {folder} is damaged: its passages are lost, although {LEDGER_FILE} lists documents. "
                    "Delete the index folder and rebuild it"
                )
            undo.pop_all()
        return collection

    def check_open(self) -> None:
        """Raise an error if the index is closed.

        Raises:
            FolderError: `close` was called.
        """
        if self._closed:
            raise FolderError(f"the index is closed: open {self.folder} again")

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
                    f"{self.folder} was made with the language {self.manifest.language}, not {language}: leave out the "
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
        language = self._language or language_of_most(sample) or ENGLISH
        manifest = replace(self.manifest, language=language)
        manifests.write(self.folder, manifest)
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
            IndexWriteFailed: The disk is full or failing.
        """
        states = self.states or States(self.folder / STATES_FILE)
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
        return remove_file(self.folder)

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
        """Write everything to disk and release the folder. A second call does nothing."""
        self._closed = True
        try:
            self.index.close()
        finally:
            self.ledger.close()
            if self.states is not None:
                self.states.close()
            self._lock.release()

    def __enter__(self) -> Collection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def exists(folder: Path) -> bool:
    """Return whether the folder contains an index."""
    return (folder / manifests.FILE).is_file()


def _stored_states(file: Path) -> States | None:
    """The states in the file, or None if there is no file, or if a run was killed before it recorded its reranker."""
    if not file.is_file():
        return None
    states = States(file)
    if states.made_by is None:
        states.close()
        return None
    return states


def _prepared(folder: Path) -> Path:
    """Return the folder. A missing folder is made. An existing one may contain the files of an interrupted `create`."""
    if exists(folder):
        raise NotAnIndex(f"{folder} already contains an index: open it, or give another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = {LOCK_FILE, HOLDER, ENGINE_FOLDER, f"{manifests.FILE}.part"}
        others = [path.name for path in folder.iterdir() if path.name not in own]
    except OSError as error:
        raise IndexWriteFailed(f"cannot make the index folder {folder}: {error.strerror or error}") from error
    if others:
        manifests.check_not_lost(folder)
        raise NotAnIndex(f"{folder} already contains {others[0]!r}: give a new or empty folder")
    return folder
