"""Workers that score the pairs of many requests: together if the reranker allows it, otherwise one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from shortlist.errors import BadScores, InvalidInput
from shortlist.inference.batches import BATCH_ROWS, plan
from shortlist.protocols import Reranker
from shortlist.search.scores import checked_scores, info_of, score_texts
from shortlist.server.batching.fair_queue import Job, Piece
from shortlist.server.batching.scorer import ReadsPairs, check_cap

Outcome = tuple[Sequence[Any], list[bool]] | Exception
"""The scores (a bi-encoder's are vectors) and cuts of a piece's places, in order, or the error of the piece."""

CHARACTERS_PER_TOKEN = 4


class Worker(Protocol):
    """The interface that a `Scheduler` needs of a model."""

    def prepare(self, job: Job) -> None:
        """Call `Job.ready`. A separate thread calls this method. Raise InvalidInput if the job cannot be scored."""

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """Return one outcome for each piece. A failure affects only the pieces that cause it."""


@runtime_checkable
class PlansBatches(Protocol):
    """A worker that knows how its rounds fill the model. The rounds of other workers are not reported."""

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the batches that `run` makes of pairs with these lengths."""

    @property
    def rows(self) -> int:
        """The largest number of pairs in one batch."""


def worker_for(reranker: Reranker) -> Worker:
    """Return the best worker that the reranker allows."""
    if isinstance(reranker, ReadsPairs) and info_of(reranker).pointwise:
        return PairWorker(reranker)
    return RequestWorker(reranker)


def needs_one_call(reranker: Reranker) -> bool:
    """Return whether one call must score all texts of a request.

    This is true if scores depend on the whole list, or if another machine runs the reranker.
    """
    info = info_of(reranker)
    return not info.pointwise or info.remote


def together_or_alone(run: Callable[[Sequence[Piece]], list[Outcome]], pieces: Sequence[Piece]) -> list[Outcome]:
    """Return the outcomes of one call for all pieces.

    If the call fails, run each piece alone, so errors stay separate.
    """
    try:
        return run(pieces)
    except Exception as error:  # noqa: BLE001 - the requests receive every error of their model
        if len(pieces) == 1:
            return [error]
    return [outcome for piece in pieces for outcome in together_or_alone(run, [piece])]


def guessed_lengths(job: Job) -> list[int]:
    """Return lengths guessed from the characters of query and text."""
    return [1 + (len(job.query) + len(text)) // CHARACTERS_PER_TOKEN for text in job.texts]


class PairWorker:
    """Scores pairs of several queries in one call."""

    def __init__(self, reranker: Any) -> None:
        self._reranker = reranker
        self.rows: int = getattr(reranker, "batch_rows", BATCH_ROWS)

    def prepare(self, job: Job) -> None:
        """See `Worker.prepare`."""
        pairs, truncated = self._reranker.pairs(job.query, job.texts, max_tokens=job.max_tokens)
        job.ready(pairs, [pair.length for pair in pairs], truncated)

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """See `Worker.run`."""
        return together_or_alone(self._run, pieces)

    def _run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        name = info_of(self._reranker).name
        scores = self._reranker.score_pairs([piece.job.work[place] for piece in pieces for place in piece.places])
        outcomes: list[Outcome] = []
        start = 0
        for piece in pieces:
            end = start + len(piece.places)
            texts = [piece.job.texts[place] for place in piece.places]
            truncated = [piece.job.truncated[place] for place in piece.places]
            outcomes.append((checked_scores(name, scores[start:end], texts), truncated))
            start = end
        if start != len(scores):
            raise BadScores(f"{name} returned {len(scores)} scores for {start} pairs")
        return outcomes

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """See `PlansBatches.batches`."""
        own_plan = getattr(self._reranker, "plan", None)
        return own_plan(lengths) if own_plan is not None else plan(lengths, rows=self.rows)


class RequestWorker:
    """Scores each request by itself, a few of its texts in each turn.

    A single call scores all its texts if scores depend on the whole list, or if another machine runs the reranker.
    """

    rows = 1

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker
        self._whole = needs_one_call(reranker)

    def prepare(self, job: Job) -> None:
        """See `Worker.prepare`. The lengths are guessed from the characters."""
        if not job.query.strip():
            raise InvalidInput("the query is empty: give at least one word")
        check_cap(job.texts, job.max_tokens)
        job.counted = False
        job.whole = self._whole
        job.ready(job.texts, guessed_lengths(job), [False] * len(job.texts))

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """See `Worker.run`."""
        return [self._outcome(piece) for piece in pieces]

    def _outcome(self, piece: Piece) -> Outcome:
        places = sorted(piece.places) if piece.job.whole else piece.places
        try:
            scores = score_texts(self._reranker, piece.job.query, [piece.job.texts[place] for place in places])
        except Exception as error:  # noqa: BLE001 - the request receives every error of its model
            return error
        piece.job.notes.extend(scores.notes)
        by_place = dict(zip(places, zip(scores, scores.truncated, strict=True), strict=True))
        return [by_place[place][0] for place in piece.places], [by_place[place][1] for place in piece.places]

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """See `PlansBatches.batches`. The batches inside the reranker are unknown, so no padding is reported."""
        return [[place] for place in range(len(lengths))]
