"""The lock of an index on Qdrant: one writer at a time, on any machine. Searches need no lock.

The lock is a record with the name of its holder and a number that the holder raises every few seconds. A waiting
process takes the lock if the number stays the same for `LEASE` seconds of its own clock, or if the holder is a dead
process of the same machine. Clocks of two machines are never compared. The server changes the record only if it still
has the values that were read, so two processes cannot take the lock at once.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from shortlist.errors import IndexLocked, ShortlistError
from shortlist.indexes.qdrant.records import QdrantRecords

TABLE, KEY = "lock", "writer"
LEASE = 30.0
"""Seconds after which a holder that gives no sign of life has lost the lock."""
BEAT = 5.0
"""Seconds between two signs of life."""
WAIT, STEP = 10.0, 0.5
"""Seconds to wait for a living holder, and seconds between two attempts."""
FREE: dict[str, Any] = {"holder": "", "beat": 0, "host": "", "machine": "", "pid": 0}


class QdrantLock:
    """The lock of one index. `acquire` and `release` may be called in turn. `clock` and `sleep` are in seconds.

    With `beats`, a thread gives the signs of life. Without it, only `check` does.

    Every method raises StoreError if the server does not answer or refuses the request.
    """

    def __init__(
        self,
        records: QdrantRecords,
        name: str,
        *,
        beats: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._records, self._name, self._beats = records, name, beats
        self._clock, self._sleep = clock, sleep
        self._row: dict[str, Any] | None = None
        self._renewed = 0.0
        self._changes = threading.Lock()
        self._stop = threading.Event()

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            IndexLocked: A living process has the lock for longer than `WAIT` seconds, or this process has it already.
        """
        own = {
            "holder": uuid.uuid4().hex,
            "beat": 0,
            "host": socket.gethostname(),
            "machine": machine(),
            "pid": os.getpid(),
        }
        began = self._clock()
        first: tuple[Any, Any] | None = None
        while True:
            row = self._records.get(TABLE, KEY) or FREE
            sign = (row["holder"], row["beat"])
            first = first or sign
            if not row["holder"] or _is_dead(row) or (sign == first and self._clock() - began > LEASE):
                if self._take(own, row):
                    return
            elif _is_own(row):
                raise IndexLocked(f"{self._name} is already open for changes in this process: close it first")
            elif sign != first and self._clock() - began > WAIT:
                raise IndexLocked(
                    f"{self._name} is open for changes in process {row['pid']} on {row['host']}: wait until it ends"
                )
            self._sleep(STEP)

    def check(self) -> None:
        """Raise an error if this process had the lock and lost it. A write calls this method first.

        Raises:
            IndexLocked: Another process has the lock, because this one gave no sign of life, in a suspend for example.
        """
        if self._row is not None and self._clock() - self._renewed > LEASE / 2:
            self._renew()

    def release(self) -> None:
        """Let others write. A second call does nothing. Without a lock, the method does nothing."""
        self._stop.set()
        with self._changes:
            row, self._row = self._row, None
        if row is not None:
            self._records.replace(TABLE, KEY, FREE, {"holder": row["holder"]})

    def _take(self, own: dict[str, Any], row: dict[str, Any]) -> bool:
        """Write the own row in place of `row`, and return whether it is there."""
        now = self._clock()
        self._records.replace(TABLE, KEY, own, {"holder": row["holder"], "beat": row["beat"]})
        if (self._records.get(TABLE, KEY) or FREE)["holder"] != own["holder"]:
            return False
        self._row, self._renewed = own, now
        self._stop = threading.Event()
        if self._beats:
            threading.Thread(target=self._beat, args=(self._stop,), daemon=True).start()
        return True

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(BEAT):
            with suppress(ShortlistError):  # `check` raises it in the thread that writes
                self._renew()

    def _renew(self) -> None:
        """Give a sign of life."""
        with self._changes:
            if self._row is None:
                return
            now = self._clock()
            row = {**self._row, "beat": self._row["beat"] + 1}
            self._records.replace(TABLE, KEY, row, {"holder": row["holder"]})
            stored = self._records.get(TABLE, KEY) or FREE
            if stored["holder"] != row["holder"]:
                raise IndexLocked(
                    f"{self._name} is open for changes in process {stored['pid']} on {stored['host']}, because this "
                    "process gave no sign of life for too long. Earlier commits are intact: run the command again"
                )
            self._row, self._renewed = row, now


def machine() -> str:
    """Return a name of this machine since its start, and of its space of process ids; "" if there is none."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return ""


def _is_own(row: dict[str, Any]) -> bool:
    return bool(row["machine"]) and row["machine"] == machine() and row["pid"] == os.getpid()


def _is_dead(row: dict[str, Any]) -> bool:
    """Return whether the holder is a process of this machine that has ended."""
    if not row["machine"] or row["machine"] != machine():
        return False
    try:
        os.kill(row["pid"], 0)  # signal 0 sends nothing; `machine` is "" on Windows, which has no such signal
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
