"""A lock whose holders take turns in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class Turns:
    """A lock for `with`, first come first served: one that asks again and again can't keep the others out.

    `threading.Lock` promises no order, so a thread that frees it and takes it again may win every time.
    """

    def __init__(self) -> None:
        self._change = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        """Waits for its turn."""
        with self._change:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            mine.acquire()
        except BaseException:  # interrupted while it waited: the turn must not end here
            with self._change:
                came = mine not in self._waiting
                if not came:
                    self._waiting.remove(mine)
            if came:
                self._pass_on()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hands over to the one that waits longest."""
        self._pass_on()

    def _pass_on(self) -> None:
        with self._change:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
