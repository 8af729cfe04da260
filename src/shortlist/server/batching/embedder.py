"""A bi-encoder that embeds the texts of many requests at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError
from shortlist.protocols import CountsTokens, Encoder
from shortlist.server.batching.fair_queue import Job, Piece
from shortlist.server.batching.scheduler import Bounds, Scheduler
from shortlist.server.batching.worker import CHARACTERS_PER_TOKEN, Outcome, together_or_alone
from shortlist.server.middleware.observer import Observer
from shortlist.server.problems import Kind, Problem
from shortlist.wording.requests import place_of

QUEUE_TEXTS = 4096
ROUND_TEXTS = 64
ROUND_TOKENS = 2048
"""The limit is below that of a reranker, because stage one of a search waits for at most one such call."""


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Texts to embed, of any dialect. `field` is the dialect's name of the texts.

    If `query` is true, the model's prompt for queries applies. If `truncate` is false, a text that would be cut is an
    error, and `to_cut` is the advice of the error in the words of the dialect. `dimensions` is the requested dimension.
    None accepts the dimension of the model.
    """

    texts: Sequence[str]
    field: str
    query: bool = False
    truncate: bool = False
    dimensions: int | None = None
    to_cut: str = 'send "truncate": true'


@dataclass(frozen=True, slots=True)
class Embeddings:
    """`(n, dimension)` float32 `vectors`, the number of all `tokens` (0 if unknown), and the number of cut texts."""

    vectors: NDArray[np.float32]
    tokens: int
    truncated: int


class Embedder(Scheduler):
    """Fills the bi-encoder's batches with the texts of concurrent requests, which take turns. See `Scheduler`.

    Close the embedder at the end: `close` first finishes the accepted requests.

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
        observer: Observer | None = None,
    ) -> None:
        bounds = Bounds(queue_texts, round_texts, round_tokens, unit="texts")
        super().__init__(_VectorWorker(encoder), bounds, observer)

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Return one vector for each text; there must be at least one text.

        Raises:
            Problem: A text would be cut, and the request forbids that.
            InvalidInput: The request has more texts than the whole queue may hold.
            QueueFull: Too many texts are waiting.
        """
        job = _EmbedJob("", request.texts, request=request)
        await self.finish(job)
        tokens = sum(job.lengths) if job.counted else 0
        return Embeddings(np.stack(job.scores), tokens, sum(job.truncated))


def embed_now(encoder: Encoder, request: EmbedRequest) -> Embeddings:
    """Embed in this thread; see `Embedder.embed`."""
    counts, truncated = _token_counts(encoder, request)
    return Embeddings(_vectors_of(encoder, request.texts, request.query), sum(counts), sum(truncated))


@dataclass(slots=True, eq=False, kw_only=True)
class _EmbedJob(Job):
    """Texts to embed. The query is empty, and the scores are vectors."""

    request: EmbedRequest


class _VectorWorker:
    """A `Worker` over a bi-encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def prepare(self, job: Job) -> None:
        """See `Worker.prepare`. Lengths are guessed from the characters if the encoder does not count tokens."""
        counts, truncated = _token_counts(self._encoder, _request_of(job))
        job.counted = bool(counts)
        lengths = counts or [1 + len(text) // CHARACTERS_PER_TOKEN for text in job.texts]
        job.ready(job.texts, lengths, truncated or [False] * len(job.texts))

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """See `Worker.run`."""
        return together_or_alone(self._run, pieces)

    def _run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        outcomes: dict[Job, Outcome] = {}
        for query in (False, True):
            group = [piece for piece in pieces if _request_of(piece.job).query is query]
            if not group:
                continue
            rows = _vectors_of(
                self._encoder, [piece.job.texts[place] for piece in group for place in piece.places], query
            )
            start = 0
            for piece in group:
                end = start + len(piece.places)
                truncated = [piece.job.truncated[place] for place in piece.places]
                outcomes[piece.job] = (list(rows[start:end]), truncated)
                start = end
        return [outcomes[piece.job] for piece in pieces]


def _request_of(job: Job) -> EmbedRequest:
    assert isinstance(job, _EmbedJob)
    return job.request


def _token_counts(encoder: Encoder, request: EmbedRequest) -> tuple[list[int], list[bool]]:
    """Return the tokens of each text and which texts are cut; two empty lists if the encoder does not count tokens."""
    if not isinstance(encoder, CountsTokens):
        return [], []
    counts, truncated = encoder.token_counts(request.texts, query=request.query)
    if any(truncated) and not request.truncate:
        place = truncated.index(True)
        raise Problem(
            Kind.TOO_LONG,
            f"{place_of(request.field, place)} is longer than the {counts[place]} tokens that the model reads: shorten "
            f"it, or {request.to_cut} to embed its start",
            field=request.field,
        )
    return counts, truncated


def _vectors_of(encoder: Encoder, texts: Sequence[str], query: bool) -> NDArray[np.float32]:
    rows = encoder.encode_queries(texts) if query else encoder.encode_passages(texts)
    if len(rows) != len(texts):
        raise ModelError(f"{encoder.name} returned {len(rows)} vectors for {len(texts)} texts")
    return rows
