"""One process an index: a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import IO

from shortlist.errors import IndexLocked, IndexWriteFailed

FILE = "lock"
WAIT, STEP = 3.0, 0.05
"""Seconds that a lock is waited for, so that two searches at a time take turns, and between two tries."""


class FolderLock:
    """Holds `folder/lock` until `release`. Another process is waited for, up to `WAIT` seconds.

    Raises:
        IndexLocked: Another process holds it for longer, or another object of this one holds it.
        IndexWriteFailed: The lock file can't be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._file: IO[str] | None = (folder / FILE).open("a+", encoding="utf-8")
        except OSError as error:
            raise IndexWriteFailed(f"can't write to {folder}: {error.strerror or error}") from error
        holder = _waited(self._file)
        if holder is not None:
            self._file.close()
            own = holder == str(os.getpid())
            where = "already open in this process" if own else f"open in another process (pid {holder})"
            raise IndexLocked(f"{folder} is {where}. Close it first: it can be open once at a time.")
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Lets others open the folder; calling it twice is fine."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _waited(file: IO[str]) -> str | None:
    """None once the lock is taken, else who still holds it."""
    until = time.monotonic() + WAIT
    while True:
        try:
            _take(file)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            if holder == str(os.getpid()) or time.monotonic() > until:
                return holder
            time.sleep(STEP)
        else:
            return None


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
