"""The worker that scores the pairs of queries and passages."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shortlist import registry
from shortlist.inference.batches import Tokens
from shortlist.protocols import HasWeights, Reranker
from shortlist.search.scores import info_of, score_texts, skip_note
from shortlist.types import RerankerInfo
from shortlist.workers.rows import Failed, row_by_row

Pairs: TypeAlias = "list[tuple[str, list[str]]]"
"""The content of a unit: queries, each with the texts to score."""
Score: TypeAlias = "tuple[float, bool]"
"""A score, and whether the text was cut."""


@runtime_checkable
class ScoresPairs(Protocol):
    """A reranker that scores pairs of different queries together."""

    @property
    def info(self) -> RerankerInfo:
        """What the reranker is."""

    def pairs(self, query: str, texts: Iterable[str]) -> tuple[list[Tokens], list[bool]]:
        """Return each pair as tokens, and whether each text was cut."""

    def score_pairs(self, pairs: Sequence[Tokens]) -> list[float]:
        """Return the score of each pair."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The value of a unit.

    `scores` has one float64 for each pair, in the order of the unit, and NaN for a pair without a score. `cut` marks
    the texts that were cut to the window. `failures` are the places of the pairs without a score, each with the reason.
    `skipped` counts the queries that a search would not rerank. `made_by` identifies the model and its runtime.
    `seconds` is the time of the worker.
    """

    scores: NDArray[np.float64]
    cut: NDArray[np.bool_]
    failures: list[tuple[int, str]]
    skipped: int
    made_by: str
    seconds: float


class PairScorer:
    """Scores the pairs of a unit.

    A reranker of pairs receives all pairs of the unit together. Any other reranker receives one query at a time. If its
    scores depend on the pool, all texts of a query fail together. The content of a unit alone decides which pairs
    share a batch.
    """

    def __init__(self, name: str, *, precision: str = "auto", device: str = "auto", threads: int | None = None) -> None:
        self._reranker = registry.load_reranker(
            name, precision=precision, device=device, threads=threads, as_worker=True
        )
        self._made_by = made_by(self._reranker)

    def __call__(self, content: Pairs) -> Scored:
        """Return the scores of the unit. Raises as `rows.row_by_row`."""
        began = time.perf_counter()
        reranker = self._reranker
        scores = _together(reranker, content) if isinstance(reranker, ScoresPairs) else _by_query(reranker, content)
        failures = [(place, score.reason) for place, score in enumerate(scores) if isinstance(score, Failed)]
        values = [(np.nan, False) if isinstance(score, Failed) else score for score in scores]
        return Scored(
            np.array([score for score, _ in values], dtype=np.float64),
            np.array([cut for _, cut in values], dtype=np.bool_),
            failures,
            sum(skip_note(reranker, query) is not None for query, _ in content if query.strip()),
            self._made_by,
            time.perf_counter() - began,
        )


def made_by(reranker: Reranker) -> str:
    """Return what identifies the model, its weights and its runtime."""
    runtime = getattr(reranker, "runtime", None)
    weights = reranker.weights_hash()[:12] if isinstance(reranker, HasWeights) else ""
    return ", ".join(filter(None, (info_of(reranker).name, getattr(runtime, "shown", ""), weights)))


def _together(reranker: ScoresPairs, content: Pairs) -> list[Score | Failed]:
    tokens = [pair for query, texts in content for pair in _tokens(reranker, query, texts)]
    usable = [pair for pair in tokens if not isinstance(pair, Failed)]
    scores = iter(row_by_row(usable, lambda pairs: reranker.score_pairs([pair for pair, _ in pairs])))
    return [pair if isinstance(pair, Failed) else _with_cut(next(scores), pair[1]) for pair in tokens]


def _tokens(reranker: ScoresPairs, query: str, texts: Sequence[str]) -> list[tuple[Tokens, bool] | Failed]:
    def work(part: Sequence[str]) -> list[tuple[Tokens, bool]]:
        return list(zip(*reranker.pairs(query, part), strict=True))

    return row_by_row(texts, work)


def _with_cut(score: float | Failed, cut: bool) -> Score | Failed:
    return score if isinstance(score, Failed) else (score, cut)


def _by_query(reranker: Reranker, content: Pairs) -> list[Score | Failed]:
    return [score for query, texts in content for score in _of_query(reranker, query, texts)]


def _of_query(reranker: Reranker, query: str, texts: Sequence[str]) -> Iterator[Score | Failed]:
    def work(part: Sequence[str]) -> list[Score]:
        scores = score_texts(reranker, query, part)
        return list(zip(scores, scores.truncated, strict=True))

    if info_of(reranker).pointwise:
        yield from row_by_row(texts, work)
        return
    for whole in row_by_row([texts], lambda lists: [work(texts) for texts in lists]):
        yield from [whole] * len(texts) if isinstance(whole, Failed) else whole
