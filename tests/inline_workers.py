"""Workers in this process: they pickle what processes would pickle."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable

from shortlist.workers import Answer, Unit, Worker
from shortlist.workers.base import Answers


class InlineWorkers:
    """Satisfies `workers.Workers`. `lost` has the numbers of the units that no worker answers.

    `stop_after` answers, the run is interrupted. `seen` has the numbers of the units that came. `reverse` gives the
    answers in reverse order.
    """

    count = 1
    threads = 1

    def __init__(self, lost: Iterable[int] = (), stop_after: int | None = None, *, reverse: bool = False) -> None:
        self.lost, self.stop_after, self.reverse = set(lost), stop_after, reverse
        self.shares_files = True
        self.seen: list[int] = []

    def run(self, make: Callable[[], Worker], units: Iterable[Unit], *, ahead: int | None = None) -> Answers:
        worker: Worker = pickle.loads(pickle.dumps(make))()
        given = sorted(units, key=lambda unit: -unit.number) if self.reverse else units
        for unit in given:
            if len(self.seen) == self.stop_after:
                raise KeyboardInterrupt
            self.seen.append(unit.number)
            if unit.number in self.lost:
                yield Answer(unit.number, None, "the worker process ended 3 times")
            else:
                value = worker(pickle.loads(pickle.dumps(unit.content)))
                yield Answer(unit.number, pickle.loads(pickle.dumps(value)))
