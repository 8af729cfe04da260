"""The part that bulk work shares: units go to workers, and their results go into the folder of partial results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.bulk.parts import Part, Parts
from shortlist.bulk.report import BulkReport
from shortlist.workers import Unit, Worker, Workers

FEWEST, MOST, UNITS = 64, 512, 64
"""The fewest and the most rows of a unit, and the units of a run that is too small for units of the most rows.

The size of the run alone decides the size of a unit, so that the number of workers changes no result.
"""

Progress = Callable[[int, int], None]
"""Receives the number of finished rows, and the number of all rows."""


def unit_rows(total: int) -> int:
    """Return the rows of a unit for a run of `total` rows."""
    return min(MOST, max(FEWEST, total // UNITS))


@dataclass(frozen=True, slots=True)
class Job:
    """The work on all units. `make` makes a worker, and `part_of` turns the value of a worker into a part."""

    crew: Workers
    make: Callable[[], Worker]
    part_of: Callable[[Any], Part]
    progress: Progress | None = None

    def run(self, units: Iterable[Unit], rows: Sequence[int], parts: Parts) -> dict[int, str]:
        """Do the units that are not done, store each result, and return the reason for each unit that is lost.

        `rows` has the number of rows of each unit. Raises as `Workers.run` and `Parts.put`.
        """
        total, done = sum(rows), sum(rows[number] for number in parts.done)
        show = self.progress or (lambda done, total: None)
        show(done, total)
        lost: dict[int, str] = {}
        for answer in self.crew.run(self.make, (unit for unit in units if unit.number not in parts.done)):
            if answer.lost:
                lost[answer.number] = answer.lost
            else:
                parts.put(answer.number, self.part_of(answer.value))
            done += rows[answer.number]
            show(done, total)
        return lost


def finish(parts: Parts, report: BulkReport) -> None:
    """Delete the partial results. If a worker failed on some rows, keep the results of the others for the next run."""
    if any(failure.again for failure in report.failures):
        report.kept = str(parts.folder)
    else:
        parts.finish()
