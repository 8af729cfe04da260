"""The lock of an index: one process at a time. If the process dies, the operating system releases the lock."""

from __future__ import annotations

import os
from pathlib import Path

from shortlist.errors import FolderError, IndexLocked, IndexWriteFailed

FILE = "lock"
HOLDER = "lock.pid"
"""The file with the process id of the holder. A separate file, because a locked file cannot be read on Windows."""

WAIT, STEP = 3.0, 0.05
"""Seconds to wait for another process, and seconds between two attempts. Two searches can run one after the other."""


class FolderLock:
    """The lock of an index folder, from the construction to `release`.

    The construction waits for another process, up to `wait` seconds. It does not wait for this process.

    Raises:
        IndexLocked: Another process has the lock for longer, or this process has it already.
        IndexWriteFailed: The lock file cannot be written.
    """

    def __init__(self, folder: Path, wait: float = WAIT) -> None:
        from filelock import FileLock, Timeout

        self._folder = folder
        self._lock = FileLock(folder / FILE, thread_local=False)
        try:
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                if not wait or self._holder() == os.getpid():
                    raise
                self._lock.acquire(timeout=wait, poll_interval=STEP)
            (folder / HOLDER).write_text(str(os.getpid()), encoding="ascii")
        except Timeout as error:
            raise IndexLocked(self._message()) from error
        except OSError as error:
            self._lock.release()
            raise IndexWriteFailed(f"cannot write to {folder}: {error.strerror or error}") from error

    def release(self) -> None:
        """Let others open the folder. A second call does nothing."""
        if self._lock.is_locked:
            (self._folder / HOLDER).unlink(missing_ok=True)
            self._lock.release()

    def _holder(self) -> int | None:
        """Return the process id of the holder, or None if it is unknown."""
        try:
            return int((self._folder / HOLDER).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def _message(self) -> str:
        holder = self._holder()
        if holder == os.getpid():
            return f"{self._folder} is already open in this process: close it first"
        process = "unknown pid" if holder is None else f"pid {holder}"
        return f"{self._folder} is open in another process ({process}): close it there first"


def is_fork(process: int | None) -> bool:
    """Return whether this is another process than the one that may use an index. None: every process may use it."""
    return process not in (None, os.getpid())


def check_process(process: int | None, name: str) -> None:
    """Check that this process may use the index `name`, which a fork cannot: its engine would wait forever.

    Raises:
        FolderError: The process is a fork of the one that opened the index.
    """
    if is_fork(process):
        raise FolderError(
            f"{name} is open in process {process}, and process {os.getpid()} is a fork of it, in which the index does "
            "not work: search in the process that opened it, or use `shortlist serve` for several processes"
        )
