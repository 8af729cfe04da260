"""One process an index: a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from shortlist.errors import IndexLocked, IndexWriteFailed


class FolderLock:
    """Holds `folder/lock` until `release`.

    Raises:
        IndexLocked: Another process, or another object of this one, holds it.
        IndexWriteFailed: The lock file can't be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._file: IO[str] | None = (folder / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise IndexWriteFailed(f"can't write to {folder}: {error.strerror or error}") from error
        try:
            _take(self._file)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            own = holder == str(os.getpid())
            where = "already open in this process" if own else f"open in another process (pid {holder})"
            raise IndexLocked(f"{folder} is {where}. Close it first: it can be open once at a time.") from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Lets others open the folder; calling it twice is fine."""
        if self._file is not None:
            self._file.close()
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[str]) -> None:
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)
else:
    import fcntl

    def _take(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
