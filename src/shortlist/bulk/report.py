"""The report of bulk work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shortlist.reprs import short_repr


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row without a result.

    `id` names it, `rows` counts the rows that failed together, and `reason` is in words. `again` is True if a worker
    failed: the same run tries the row again. Otherwise the input must change.
    """

    id: str
    reason: str
    rows: int = 1
    again: bool = False

    def __str__(self) -> str:
        return f"{self.id}: {self.reason}" if self.rows == 1 else f"{self.id} ({self.rows} rows): {self.reason}"


@dataclass
class BulkReport:
    """The numbers of bulk work.

    `rows` are in the output, and `resumed` of them come from an earlier, stopped run. `failures` are the rows that are
    not in the output. `cut` counts the texts that were longer than the window of the model: the model read only their
    start. `skipped` counts the queries that a search would not rerank; they are in the output. `units` maps each model
    with its runtime to the units of work that it did. `seconds` is wall-clock time, and `worker_seconds` the time of
    all workers together without their start. `kept` is the folder with the partial results, None if it was deleted.
    `guessed` maps each file that is not UTF-8 to the encoding that was guessed.
    """

    rows: int = 0
    resumed: int = 0
    cut: int = 0
    skipped: int = 0
    seconds: float = 0.0
    worker_seconds: float = 0.0
    failures: list[FailedRow] = field(default_factory=list)
    units: dict[str, int] = field(default_factory=dict)
    kept: str | None = None
    guessed: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """The number of rows that are not in the output."""
        return sum(failure.rows for failure in self.failures)

    def count(self, facts: Mapping[str, Any]) -> None:
        """Add the facts of one unit: `made_by`, `seconds`, and maybe `skipped`."""
        self.units[facts["made_by"]] = self.units.get(facts["made_by"], 0) + 1
        self.worker_seconds += facts["seconds"]
        self.skipped += facts.get("skipped", 0)

    def __repr__(self) -> str:
        facts = {"rows": self.rows, "failed": self.failed, "cut": self.cut, "resumed": self.resumed}
        return short_repr(self, None, {name: value for name, value in facts.items() if value or name == "rows"})
