"""Texts to vectors for many requests at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError
from shortlist.protocols import CountsTokens, Encoder
from shortlist.server.batching.fair_queue import Job, Piece
from shortlist.server.batching.scheduler import Rounds
from shortlist.server.batching.worker import CHARACTERS_A_TOKEN, Outcome, together_or_alone
from shortlist.server.middleware.observer import Watch
from shortlist.server.problems import Kind, Problem

QUEUE_TEXTS = 4096
ROUND_TEXTS = 64
ROUND_TOKENS = 2048
"""Stage one of a search waits for at most one such call of the bi-encoder, so it is shorter than a reranker's."""


@dataclass(frozen=True, slots=True)
class ToEmbed:
    """Texts to embed, whatever the dialect; `field` is what that dialect calls them.

    `query` embeds them with the model's prompt for queries. `truncate` False makes a text that would be cut a
    problem. `dimensions` None takes what the model gives.
    """

    texts: Sequence[str]
    field: str
    query: bool = False
    truncate: bool = False
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """`(n, dimension)` float32 `vectors`; `tokens` read in all, 0 where the encoder can't say; texts that were cut."""

    vectors: NDArray[np.float32]
    tokens: int
    truncated: int


class Embedder(Rounds):
    """Concurrent requests share the bi-encoder's batches, and take turns, as `Rounds` says; counted in texts.

    Close it when done: what was accepted is finished first.

    Raises:
        InvalidInput: A bound is below 1.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        queue_texts: int = QUEUE_TEXTS,
        round_texts: int = ROUND_TEXTS,
        round_tokens: int = ROUND_TOKENS,
        watch: Watch | None = None,
    ) -> None:
        super().__init__(_Vectors(encoder), queue_texts, round_texts, round_tokens, watch, unit="texts")

    async def embed(self, asked: ToEmbed) -> Embedded:
        """One vector a text, at least one text.

        Raises:
            Problem: A text would be cut and may not be.
            InvalidInput: More texts than the whole queue holds.
            QueueFull: Too much is waiting.
        """
        job = _Texts("", asked.texts, asked=asked)
        await self.finish(job)
        tokens = sum(job.lengths) if job.counted else 0
        return Embedded(np.stack(job.scores), tokens, sum(job.cut))


def embed_now(encoder: Encoder, asked: ToEmbed) -> Embedded:
    """As `Embedder.embed`, at once and in this thread."""
    counts, cut = _counted(encoder, asked)
    return Embedded(_encoded(encoder, asked.texts, asked.query), sum(counts), sum(cut))


@dataclass(slots=True, eq=False, kw_only=True)
class _Texts(Job):
    """A job of texts to embed; its query is empty, and its scores are vectors."""

    asked: ToEmbed


class _Vectors:
    """Satisfies `Work` over a bi-encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def prepare(self, job: Job) -> None:
        """See `Work.prepare`; lengths are guessed from the characters where the encoder can't count."""
        counts, cut = _counted(self._encoder, _of(job))
        job.counted = bool(counts)
        lengths = counts or [1 + len(text) // CHARACTERS_A_TOKEN for text in job.texts]
        job.ready(job.texts, lengths, cut or [False] * len(job.texts))

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """See `Work.run`."""
        return together_or_alone(self._run, pieces)

    def _run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        found: dict[Job, Outcome] = {}
        for query in (False, True):
            held = [piece for piece in pieces if _of(piece.job).query is query]
            if not held:
                continue
            rows = _encoded(self._encoder, [piece.job.texts[place] for piece in held for place in piece.places], query)
            start = 0
            for piece in held:
                end = start + len(piece.places)
                found[piece.job] = (list(rows[start:end]), [piece.job.cut[place] for place in piece.places])
                start = end
        return [found[piece.job] for piece in pieces]


def _of(job: Job) -> ToEmbed:
    assert isinstance(job, _Texts)
    return job.asked


def _counted(encoder: Encoder, asked: ToEmbed) -> tuple[list[int], list[bool]]:
    """Tokens of each text and which are cut; two empty lists where the encoder can't say."""
    if not isinstance(encoder, CountsTokens):
        return [], []
    counts, cut = encoder.tokens_of(asked.texts, query=asked.query)
    if any(cut) and not asked.truncate:
        place = cut.index(True)
        raise Problem(
            Kind.TOO_LONG,
            f"{asked.field}.{place} is longer than the {counts[place]} tokens that the model reads: shorten it, or "
            'send "truncate": true to embed its start',
            field=asked.field,
        )
    return counts, cut


def _encoded(encoder: Encoder, texts: Sequence[str], query: bool) -> NDArray[np.float32]:
    rows = encoder.encode_queries(texts) if query else encoder.encode_passages(texts)
    if len(rows) != len(texts):
        raise ModelError(f"{encoder.name} returned {len(rows)} vectors for {len(texts)} texts")
    return rows
