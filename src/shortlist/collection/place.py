"""Where an index is: what the collection keeps beside the passages, and the lock. A folder, or a server."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from shortlist.atomic_io import make_folder, write_whole
from shortlist.collection import manifest as manifests
from shortlist.collection.ledger import FILE as LEDGER_FILE
from shortlist.collection.ledger import Ledger
from shortlist.collection.lock import FILE as LOCK_FILE
from shortlist.collection.lock import HOLDER, FolderLock
from shortlist.collection.manifest import ENGINE_FOLDER, Manifest
from shortlist.errors import IndexWriteFailed, NotAnIndex

BLOCK = 512
"""Bytes of a block in `st_blocks`."""


class TextFiles(Protocol):
    """Small texts by name, such as the rules that `calibrate` stores."""

    def shown(self, name: str) -> str:
        """Return the place of a text for messages; "" gives that of all texts."""

    def read(self, name: str) -> str | None:
        """Return the text, or None if there is none.

        Raises:
            OSError, UnicodeError: The text cannot be read.
        """

    def write(self, name: str, text: str) -> Path | str:
        """Replace the text as a whole, and return its file, or its name on a server.

        Raises:
            IndexWriteFailed: It cannot be written.
        """


class FolderFiles:
    """Texts as the files of a folder, which is made if it is missing. Satisfies `TextFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def shown(self, name: str) -> str:
        """Return the path of the file."""
        return str(self._folder / name)

    def read(self, name: str) -> str | None:
        """Return the text of the file, or None if there is none."""
        try:
            return (self._folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> Path:
        """Replace the file as a whole, and return it."""
        make_folder(self._folder, IndexWriteFailed)
        write_whole(self._folder / name, text, IndexWriteFailed)
        return self._folder / name


class Place(Protocol):
    """Where an index is.

    `name` is the name for messages, without secrets. Sources below `root` are named relative to it. `folder` holds the
    stored states of passages; None if the place cannot store them. `files` holds the fits. `process` is the id of the
    only process that can use the place; None if a fork of it can, too.
    """

    name: str
    root: Path
    folder: Path | None
    files: TextFiles
    process: int | None

    @property
    def ledger(self) -> Ledger:
        """The record of which source gave which documents."""

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the description of the index.

        Raises:
            IndexWriteFailed: It cannot be written.
        """

    def writing(self) -> AbstractContextManager[Manifest | None]:
        """Return a context in which this process is the only one that changes the index.

        The context has the present manifest if another process may have changed it, and otherwise None.

        Raises:
            IndexLocked: Another process changes the index.
        """

    def prunes(self, name: str, below: list[Path]) -> bool:
        """Return whether a run over the paths `below` may decide that the file of this source no longer exists."""

    def bytes_on_disk(self) -> int | None:
        """Return the bytes that the index uses, or None if they are unknown."""

    def close(self) -> None:
        """Release the place. A second call does nothing."""


class FolderPlace:
    """An index folder, from its lock to `close`. Satisfies `Place`.

    The lock holds for the whole time, for searches too: the engine has the files open. `root` is the folder that
    contains the index folder, with links resolved. Ids therefore do not depend on the current folder. An index next to
    its documents has the same ids on every machine. A fork has the files open, but not the threads of the engine.
    """

    def __init__(self, folder: Path, lock: FolderLock) -> None:
        self.name = str(folder)
        self.folder: Path | None = folder
        self.root = folder.resolve().parent
        self.ledger = Ledger(folder / LEDGER_FILE)
        self.files: TextFiles = FolderFiles(folder)
        self.process: int | None = os.getpid()
        self._path, self._lock = folder, lock

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the file in one step."""
        manifests.write(self._path, manifest)

    def writing(self) -> AbstractContextManager[None]:
        """Return a context that does nothing: the folder is locked already."""
        return nullcontext()

    def prunes(self, name: str, below: list[Path]) -> bool:
        """Return True: all files of the sources are on this machine."""
        return True

    def bytes_on_disk(self) -> int:
        """Return the bytes of the blocks that the files use."""
        return size_of(self._path)

    def close(self) -> None:
        """Close the ledger and let others open the folder. A second call does nothing."""
        self.ledger.close()
        self._lock.release()


def exists(folder: Path) -> bool:
    """Return whether the folder contains an index."""
    return (folder / manifests.FILE).is_file()


def prepared(folder: Path) -> Path:
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


def check_has_ledger(folder: Path, passages: int) -> None:
    """Raise an error if an index with passages has no ledger. A new ledger would not list them.

    Raises:
        NotAnIndex: The file is missing.
    """
    if passages and not (folder / LEDGER_FILE).is_file():
        raise NotAnIndex(
            f"the index in {folder} has lost {LEDGER_FILE}: delete the folder and add the files again with: "
            f"shortlist add PATH --index {folder}"
        )


def check_has_passages(folder: Path, passages: int, ledger: Ledger) -> None:
    """Raise an error if an index has no passages, although its ledger lists some.

    Raises:
        NotAnIndex: The passages are lost.
    """
    if not passages and ledger.has_passages():
        raise NotAnIndex(
            f"the index in {folder} is damaged: its passages are lost, although {LEDGER_FILE} lists documents. "
            "Delete the index folder and rebuild it"
        )


def size_of(folder: Path) -> int:
    """Return the bytes of the blocks that the files of a folder use."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += on_disk(os.stat(os.path.join(path, name)))
            except FileNotFoundError:  # another process may have removed it
                continue
    return total


def on_disk(status: os.stat_result) -> int:
    """Return the bytes of a file's blocks, or its length on Windows. A sparse file has fewer blocks than its length."""
    blocks: int | None = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else blocks * BLOCK
