"""A lock that threads take in the order in which they ask for it."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """A lock for `with` statements, first come, first served.

    `threading.Lock` promises no order: a thread that releases it and takes it again may win every time, and so keep the
    others out.
    """

    def __init__(self) -> None:
        self._change = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        """Wait until the threads that asked earlier have released the lock."""
        with self._change:
            if not self._taken:
                self._taken = True
                return
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        try:
            ticket.acquire()
        except BaseException:  # an interrupt during the wait must not keep the lock taken
            with self._change:
                called = ticket not in self._waiting
                if not called:
                    self._waiting.remove(ticket)
            if called:
                self._pass_on()
            raise

    def __exit__(self, *error: object) -> None:
        """Give the lock to the thread that waits longest."""
        self._pass_on()

    def _pass_on(self) -> None:
        with self._change:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
