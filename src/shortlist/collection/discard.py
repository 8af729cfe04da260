"""Remove an index that a failed run has made and not filled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from shortlist.collection.ledger import FILE as LEDGER_FILE
from shortlist.collection.ledger import Ledger
from shortlist.collection.lock import FILE as LOCK_FILE
from shortlist.collection.lock import FolderLock
from shortlist.collection.manifest import ENGINE_FOLDER
from shortlist.collection.manifest import FILE as MANIFEST_FILE
from shortlist.collection.place import exists
from shortlist.collection.states import remove_file
from shortlist.errors import FolderError


@contextmanager
def no_empty_index(folder: Path) -> Iterator[None]:
    """If the enclosed code makes an index in `folder` and fails before the first passage, remove this index.

    The code must close the index before it leaves. An index that existed before, and other files, are not touched.
    """
    existed, had_index = folder.exists(), exists(folder)
    try:
        yield
    except BaseException:
        if not had_index:
            with suppress(OSError, FolderError):  # the index stays; the failure of the code is what counts
                _remove(folder, with_folder=not existed)
        raise


def _remove(folder: Path, *, with_folder: bool) -> None:
    if not exists(folder):
        return
    lock = FolderLock(folder, wait=0.0)
    try:
        with closing(Ledger(folder / LEDGER_FILE)) as ledger:
            if ledger.has_passages():
                return
        (folder / MANIFEST_FILE).unlink()
        for file in folder.glob(f"{LEDGER_FILE}*"):
            file.unlink()
        remove_file(folder)
        shutil.rmtree(folder / ENGINE_FOLDER, ignore_errors=True)
    finally:
        lock.release()
    (folder / LOCK_FILE).unlink(missing_ok=True)
    if with_folder:
        folder.rmdir()
