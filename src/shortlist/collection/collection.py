"""The folder of an index: its engine, its manifest, its ledger and its lock."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol

from shortlist.collection import manifest as manifests
from shortlist.collection.ledger import FILE as LEDGER_FILE
from shortlist.collection.ledger import Ledger
from shortlist.collection.lock import FILE as LOCK_FILE
from shortlist.collection.lock import FolderLock
from shortlist.errors import IndexMismatch, IndexWriteFailed, InvalidInput, NotAnIndex
from shortlist.protocols import Index

ENGINE_FOLDER = "engine"
"""The folder inside the index folder that belongs to the engine."""


class Engine(Protocol):
    """Makes and opens indexes of one kind in a folder of their own."""

    def create(self, folder: Path, *, dimension: int) -> Index:
        """Return a new, empty index in `folder`, which exists and is empty."""

    def open(self, folder: Path, *, dimension: int) -> Index:
        """Return the index in `folder`."""


class Collection:
    """An index folder that is open in this process. `create` and `open` make it.

    `index` is the engine that holds the passages. `manifest` describes the folder. `ledger` records which source gave
    which documents.
    """

    def __init__(self, folder: Path, manifest: manifests.Manifest, index: Index, lock: FolderLock) -> None:
        self.folder = folder
        self.manifest = manifest
        self.index = index
        self.ledger = Ledger(folder / LEDGER_FILE)
        self._lock = lock

    @property
    def root(self) -> Path:
        """The folder that contains the index folder, with links resolved. Sources below it are named relative to it.

        So ids do not depend on the current folder, and an index next to its documents has the same ids on every
        machine.
        """
        return self.folder.resolve().parent

    @classmethod
    def create(
        cls, folder: Path, engines: Mapping[str, Engine], *, engine: str = "embedded", encoder_name: str, dimension: int
    ) -> Collection:
        """Return a new, empty index in `folder`. A missing folder is created.

        Raises:
            NotAnIndex: The folder contains other things, or an index already.
            IndexWriteFailed: The folder cannot be written.
            InvalidInput: `dimension` is below 1, or the engine is unknown.
        """
        if dimension < 1:
            raise InvalidInput(f"dimension must be at least 1, not {dimension}")
        maker = _engine(engine, engines)
        lock = FolderLock(_emptied(folder))
        try:
            data = folder / ENGINE_FOLDER
            # A kill during this function leaves an engine folder without a manifest.
            shutil.rmtree(data, ignore_errors=True)
            data.mkdir()
            index = maker.create(data, dimension=dimension)
            manifest = manifests.Manifest(encoder_name, dimension, engine)
            manifests.write(folder, manifest)
            return cls(folder, manifest, index, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path, engines: Mapping[str, Engine], *, encoder_name: str | None = None) -> Collection:
        """Return the index in `folder`.

        Raises:
            NotAnIndex: There is no folder, no index in it, or a damaged one.
            IndexMismatch: It was made with another bi-encoder than `encoder_name`, or in another format.
            IndexLocked: It is open already, in this or another process.
        """
        manifest = manifests.read(folder)
        if encoder_name is not None and encoder_name != manifest.encoder:
            raise IndexMismatch(
                f"{folder} was made with the bi-encoder {manifest.encoder}, not {encoder_name}: search it with its own "
                "bi-encoder, or make a new index"
            )
        maker = _engine(manifest.engine, engines)
        lock = FolderLock(folder)
        try:
            index = maker.open(folder / ENGINE_FOLDER, dimension=manifest.dimension)
            return cls(folder, manifest, index, lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Write everything to disk and release the folder. A second call does nothing."""
        self.index.close()
        self.ledger.close()
        self._lock.release()

    def __enter__(self) -> Collection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def exists(folder: Path) -> bool:
    """Return whether the folder contains an index."""
    return (folder / manifests.FILE).is_file()


def _engine(name: str, engines: Mapping[str, Engine]) -> Engine:
    if name not in engines:
        raise InvalidInput(f"the engine {name!r} is unknown; the engines are {', '.join(engines)}")
    return engines[name]


def _emptied(folder: Path) -> Path:
    """The folder, made if it is missing, if it contains nothing but what an interrupted `create` left."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = {LOCK_FILE, ENGINE_FOLDER, f"{manifests.FILE}.part"}
        others = [path.name for path in folder.iterdir() if path.name not in own]
    except OSError as error:
        raise IndexWriteFailed(f"cannot make the index folder {folder}: {error.strerror or error}") from error
    if others:
        raise NotAnIndex(f"{folder} already contains {others[0]!r}: give a new or empty folder")
    return folder
