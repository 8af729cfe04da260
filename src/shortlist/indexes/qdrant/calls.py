"""Requests to a Qdrant server: each one is repeated after a passing failure, and its errors become ours.

Every request may be repeated: an upsert and a removal of the same points change nothing the second time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from shortlist.errors import (
    IndexLocked,
    IndexWriteFailed,
    InvalidInput,
    NotAnIndex,
    ShortlistError,
    StoreRefused,
    StoreUnreachable,
)

T = TypeVar("T")
KEY = "QDRANT_API_KEY"
READ = (0.2, 0.6)
WRITE = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt. A search must fail soon, and an `add` of hours must survive a restart."""
PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which another attempt may succeed."""
FAILED = 500
"""The status of a server that cannot do its work: its disk is full, for example."""
LONGEST_WAIT = 60.0
SHOWN = 300
"""The most characters of a server's message in an error message."""


class QdrantCalls:
    """The requests of one client. `sleep` waits for a number of seconds between two attempts.

    Every method raises StoreUnreachable if the server does not answer, is overloaded or fails after all attempts,
    StoreRefused if the server refuses the key or the request, and NotAnIndex if a collection is gone or after `close`.
    """

    def __init__(self, client: Any, name: str, *, owns: bool, sleep: Callable[[float], None] = time.sleep) -> None:
        self.client = client
        self.name = name
        self._owns, self._sleep = owns, sleep
        self._open = True

    @classmethod
    def of(cls, name: str, connect: Callable[[], Any]) -> QdrantCalls:
        """Return the requests of a new client, which `connect` makes. A wrong address must fail at once: one attempt.

        Raises:
            IndexLocked: Another process has the folder of a local client open.
        """
        calls = cls(None, name, owns=True)
        calls.client = calls._run(connect, ())
        return calls

    @property
    def is_local(self) -> bool:
        """Whether the client has no server: it searches in this process."""
        return type(getattr(self.client, "_client", None)).__name__ == "QdrantLocal"

    def read(self, call: Callable[[], T]) -> T:
        """Return the answer of a request that changes nothing."""
        return self._run(call, READ)

    def write(self, call: Callable[[], T]) -> T:
        """Return the answer of a request that changes something.

        Raises:
            IndexWriteFailed: The server cannot write: its disk is full, for example.
        """
        try:
            return self._run(call, WRITE)
        except StoreRefused as error:
            if _is_about_the_key(error.__cause__):
                raise
            raise IndexWriteFailed(f"cannot write: {error}. Earlier commits are intact") from error

    def known(self, call: Callable[[], T]) -> T | None:
        """As `read`, for a request about a collection. An unknown collection gives None."""
        try:
            return self.read(call)
        except NotAnIndex as error:
            if _is_missing(error.__cause__):
                return None
            raise

    def make(self, call: Callable[[], T]) -> None:
        """As `write`, for a request that makes a collection. The collection may exist already."""
        try:
            self.write(call)
        except IndexWriteFailed as error:
            refusal = error.__cause__
            if not _is_present(None if refusal is None else refusal.__cause__):
                raise

    def close(self) -> None:
        """Close the client, unless it was given. A second call does nothing."""
        if self._open:
            self._open = False
            if self._owns:
                self.client.close()

    def _run(self, call: Callable[[], T], pauses: Sequence[float]) -> T:
        waits = list(pauses)
        while True:
            if not self._open:
                raise NotAnIndex(f"{self.name} is closed: open it again")
            try:
                return call()
            except ShortlistError:
                raise
            except Exception as error:
                pause = self._pause(error, waits.pop(0)) if waits else None
                if pause is None:
                    raise self._error(error) from error
                self._sleep(pause)

    def _pause(self, error: Exception, pause: float) -> float | None:
        """Return the seconds to wait before another attempt, or None if another attempt would not help."""
        requested = getattr(error, "retry_after_s", None)
        if requested is not None:
            return max(pause, float(requested)) if requested <= LONGEST_WAIT else None
        return pause if _is_lost(error) or _status(error) in PASSING else None

    def _error(self, error: Exception) -> ShortlistError:
        status = _status(error)
        message = _message(error)
        if _is_lost(error):
            return StoreUnreachable(
                f"{self.name} does not answer ({message}): start the server, or correct the address"
            )
        if status == FAILED:
            return StoreRefused(f"{self.name} failed: {message}")
        if "already accessed by another instance" in message:
            return IndexLocked(f"{self.name} is open in another process, and a folder has one: close it there first")
        if status in PASSING - {FAILED} or getattr(error, "retry_after_s", None) is not None:
            return StoreUnreachable(f"{self.name} is overloaded or failing ({message}): try again later")
        if _is_missing(error):
            return NotAnIndex(f"{self.name} has lost a collection ({message}): build the index again")
        if isinstance(error, InvalidInput | MemoryError):
            raise error
        hint = f"; set {KEY} to a valid key" if _is_about_the_key(error) else ""
        return StoreRefused(f"{self.name} refused the request: {message}{hint}")


def _is_missing(error: BaseException | None) -> bool:
    """Return whether the error is that of an unknown collection."""
    return _status(error) == 404 or (isinstance(error, ValueError) and "not found" in str(error))


def _is_present(error: BaseException | None) -> bool:
    """Return whether the error is that of a new collection whose name is in use."""
    return "already exists" in f"{getattr(error, 'content', b'')!r} {error}"


def _status(error: BaseException | None) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _is_lost(error: Exception) -> bool:
    """Return whether there was no answer. The client puts the errors of the connection into one of its own."""
    source = getattr(error, "source", None)
    own = type(source if source is not None else error)
    kinds = {kind.__name__ for kind in own.__mro__}
    return bool(kinds & {"TransportError", "ConnectionError", "TimeoutError"})


def _is_about_the_key(error: BaseException | None) -> bool:
    return _status(error) in (401, 403)


def _message(error: Exception) -> str:
    """Return the server's message, or that of the error, on one line."""
    content = getattr(error, "content", None)
    source = getattr(error, "source", None)
    cause = source if isinstance(source, Exception) else error
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(cause)
    status = _status(error)
    head = type(cause).__name__ if status is None else f"status {status}"
    return f"{head}: {' '.join(text.split())[:SHOWN]}".rstrip(": ")
