"""The pools of the queries, as the arrays from which a reranker learns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.adapting.layer import Inputs
from shortlist.evaluation.metrics.measures import Measure

_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class Examples:
    """Pools of queries, one after the other: the rows of query `number` are `starts[number]` to `starts[number + 1]`.

    `signals` are those of stage one, `(rows, signals)`, times the factor of a query that excludes something. `gains`
    are the grades of the rows, at least 0. `counted` is False for a row that is no example: another passage of a
    relevant document. `keys` are the judged ids of the rows, and `grades` the judgments of each query.
    """

    inputs: Inputs
    signals: NDArray[np.float64]
    gains: NDArray[np.float64]
    counted: NDArray[np.bool_]
    starts: NDArray[np.int64]
    keys: Sequence[str]
    grades: Sequence[Mapping[str, int]]

    def __len__(self) -> int:
        return len(self.grades)

    def rows(self, query: int) -> slice:
        """Return the rows of a query."""
        return slice(int(self.starts[query]), int(self.starts[query + 1]))

    def places(self, queries: Sequence[int]) -> NDArray[np.int64]:
        """Return the rows of some queries, query by query."""
        return np.concatenate([np.arange(self.starts[query], self.starts[query + 1]) for query in queries])

    def part(self, queries: Sequence[int]) -> tuple[Inputs, NDArray[np.int64]]:
        """Return the inputs of some queries in fp32, and their rows."""
        places = self.places(queries)
        first, means = (values[places].astype(np.float32) for values in (self.inputs.first, self.inputs.means))
        return Inputs(first, means, self.inputs.likenesses[places]), places

    def portions(self, queries: Sequence[int], rows: int) -> Iterator[list[int]]:
        """Yield the queries in portions of at least `rows` rows, except the last portion."""
        portion: list[int] = []
        size = 0
        for query in queries:
            portion.append(query)
            size += int(self.starts[query + 1] - self.starts[query])
            if size >= rows:
                yield portion
                portion, size = [], 0
        if portion:
            yield portion

    def spreads(self) -> NDArray[np.float64]:
        """Return the mean standard deviation of each signal within a pool, `(signals,)`."""
        spreads = [self.signals[self.rows(query)].std(axis=0) for query in range(len(self))]
        return np.asarray(np.maximum(np.mean(spreads, axis=0), _LEAST_SPREAD), dtype=np.float64)

    def derivatives(
        self, queries: Sequence[int], scores: NDArray[np.float64], temperature: float = 1.0
    ) -> NDArray[np.float64]:
        """Return the derivatives of the mean loss of the queries by the scores of their rows, times the temperature.

        The loss is the cross-entropy between the softmax of the scores, divided by the temperature, and the gains as
        shares (ListNet's).

        Source:
            Cao and others, "Learning to rank: from pairwise approach to listwise approach", ICML 2007.
        """
        by = np.zeros(len(scores))
        begin = 0
        for query in queries:
            rows = self.rows(query)
            end = begin + rows.stop - rows.start
            counted = self.counted[rows]
            own = scores[begin:end][counted] / temperature
            shares = np.exp(own - own.max())
            gains = self.gains[rows][counted]
            by[begin:end][counted] = (shares / shares.sum() - gains / gains.sum()) / len(queries)
            begin = end
        return by

    def values(self, scores: NDArray[np.float64], queries: Sequence[int], measure: Measure) -> NDArray[np.float64]:
        """Return the measure of each of the queries if its pool is ordered by the scores of all rows."""
        values = []
        for query in queries:
            rows = self.rows(query)
            order = rows.start + np.argsort(-scores[rows], kind="stable")
            ranking = list(dict.fromkeys(self.keys[place] for place in order))
            values.append(measure.of(ranking, self.grades[query]))
        return np.array(values)
