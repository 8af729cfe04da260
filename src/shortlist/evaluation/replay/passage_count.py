"""The number of passages that a long run has scored."""

from __future__ import annotations

from collections.abc import Callable


class PassageCount:
    """Counts passages that are done and passages to do, and reports both to `report`."""

    def __init__(self, report: Callable[[int, int], None] | None) -> None:
        self._report = report or (lambda done, total: None)
        self.done = self.total = 0

    def expect(self, passages: int) -> None:
        """Add to the passages to do."""
        self.total += passages

    def add(self, passages: int) -> None:
        """Add to the passages that are done."""
        self.done += passages
        self._report(self.done, self.total)
