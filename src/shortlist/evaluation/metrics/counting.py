"""How far a long run has come."""

from __future__ import annotations

from collections.abc import Callable


class Count:
    """Passages done of passages to do, told on."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell
        self.done = self.total = 0

    def expect(self, passages: int) -> None:
        """So many more are to be done."""
        self.total += passages

    def add(self, passages: int) -> None:
        """So many more are done."""
        self.done += passages
        self._tell(self.done, self.total)
