"""How a reranker takes pairs of many requests: together where it can, request by request where it can't."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from shortlist.errors import BadScores, InvalidInput
from shortlist.inference.batches import BATCH_ROWS, plan
from shortlist.protocols import Reranker, RunsElsewhere
from shortlist.search.pipeline import score_texts
from shortlist.server.batching.fair_queue import Job, Piece
from shortlist.server.batching.scorer import ReadsPairs, check_cap

Outcome = tuple[Sequence[Any], list[bool]] | Exception
"""The scores (of a bi-encoder: the vectors) and cuts of a piece's places in order, or why it has none."""

CHARACTERS_A_TOKEN = 4


class Work(Protocol):
    """What `Rounds` needs of a model."""

    def prepare(self, job: Job) -> None:
        """Fills the job with work; runs in a thread of its own. Raises InvalidInput for what can't be scored."""

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """One outcome a piece. A failure stays with the pieces that it belongs to."""


@runtime_checkable
class SaysBatches(Protocol):
    """Work that can say how its rounds fill the model; of any other, no round is told."""

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """The batches that `run` makes of pairs with these lengths, and their capacity is `rows` pairs each."""

    @property
    def rows(self) -> int:
        """The most pairs of one batch."""


def work_of(reranker: Reranker) -> Work:
    """The best way that this reranker allows."""
    if isinstance(reranker, ReadsPairs) and reranker.pointwise:
        return Together(reranker)
    return ByRequest(reranker)


def together_or_alone(run: Callable[[Sequence[Piece]], list[Outcome]], pieces: Sequence[Piece]) -> list[Outcome]:
    """What `run` gives for all pieces at once, or piece by piece where that fails: each error hits its own piece."""
    try:
        return run(pieces)
    except Exception as error:  # noqa: BLE001 - whatever a model raises goes to the requests it belongs to
        if len(pieces) == 1:
            return [error]
    return [outcome for piece in pieces for outcome in together_or_alone(run, [piece])]


class Together:
    """For a reranker that scores pairs of several queries in one call."""

    def __init__(self, reranker: Any) -> None:
        self._reranker = reranker
        self.rows: int = getattr(reranker, "batch_rows", BATCH_ROWS)

    def prepare(self, job: Job) -> None:
        """See `Work.prepare`."""
        pairs, cut = self._reranker.pairs(job.query, job.texts, max_tokens=job.max_tokens)
        job.ready(pairs, [len(pair.ids) for pair in pairs], cut)

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """See `Work.run`."""
        return together_or_alone(self._run, pieces)

    def _run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        scores = self._reranker.score_pairs([piece.job.work[place] for piece in pieces for place in piece.places])
        out: list[Outcome] = []
        start = 0
        for piece in pieces:
            part = scores[start : start + len(piece.places)]
            start += len(piece.places)
            out.append((_checked(self._reranker.name, part, piece.places), [piece.job.cut[p] for p in piece.places]))
        if start != len(scores):
            raise BadScores(f"{self._reranker.name} returned {len(scores)} scores for {start} pairs")
        return out

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """See `SaysBatches.batches`."""
        own = getattr(self._reranker, "plan", None)
        return own(lengths) if own is not None else plan(lengths, rows=self.rows)


def in_one_call(reranker: Reranker) -> bool:
    """Whether a request's texts have to go together: scores depend on the whole list, or another machine is called."""
    return not reranker.pointwise or isinstance(reranker, RunsElsewhere)


class ByRequest:
    """For any other reranker: a request by itself, in turns of some of its texts each.

    All of them go in one call where scores depend on the whole list, and where another machine runs the reranker.
    """

    rows = 1

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker
        self._whole = in_one_call(reranker)

    def prepare(self, job: Job) -> None:
        """See `Work.prepare`; lengths are guessed from the characters."""
        if not job.query.strip():
            raise InvalidInput("the query is empty: give at least one word")
        check_cap(job.texts, job.max_tokens)
        job.counted = False
        job.whole = self._whole
        lengths = [1 + (len(job.query) + len(text)) // CHARACTERS_A_TOKEN for text in job.texts]
        job.ready(job.texts, lengths, [False] * len(job.texts))

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """See `Work.run`."""
        return [self._one(piece) for piece in pieces]

    def _one(self, piece: Piece) -> Outcome:
        places = sorted(piece.places) if piece.job.whole else piece.places
        try:
            scores, cut = score_texts(self._reranker, piece.job.query, [piece.job.texts[place] for place in places])
        except Exception as error:  # noqa: BLE001 - see Together.run
            return error
        by_place = dict(zip(places, zip(scores, cut, strict=True), strict=True))
        return [by_place[place][0] for place in piece.places], [by_place[place][1] for place in piece.places]

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """See `SaysBatches.batches`: what the reranker does inside is not known, so nothing is said of padding."""
        return [[place] for place in range(len(lengths))]


def _checked(name: str, scores: Sequence[float], places: Sequence[int]) -> list[float]:
    if len(scores) != len(places):
        raise BadScores(f"{name} returned {len(scores)} scores for {len(places)} pairs")
    for place, score in zip(places, scores, strict=True):
        if not math.isfinite(score):
            raise BadScores(f"{name} returned {score} for text {place}")
    return [float(score) for score in scores]
