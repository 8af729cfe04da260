"""What the embedding dialects have in common: the checks, the vectors, what was read and what was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool

from shortlist.protocols import CountsTokens, Encoder
from shortlist.server.parts import Parts
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_texts


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


def encoder_of(parts: Parts) -> Encoder:
    """The bi-encoder.

    Raises:
        Problem: This server has none.
    """
    if parts.encoder is None:
        raise Problem(Kind.UNAVAILABLE, "this server has no bi-encoder: start it with one to embed texts")
    return parts.encoder


async def embedded(parts: Parts, asked: ToEmbed) -> Embedded:
    """One vector a text, made in a thread.

    Raises:
        Problem: No texts, too many, an empty or too long one, other dimensions than the model's, or no bi-encoder.
    """
    encoder = encoder_of(parts)
    check_texts(parts, asked.texts, asked.field, parts.settings.max_inputs)
    if not all(one.strip() for one in asked.texts):
        raise Problem(Kind.EMPTY, f"{asked.field} holds an empty text", field=asked.field)
    if asked.dimensions not in (None, encoder.dimension):
        raise Problem(
            Kind.INVALID, f"this model gives {encoder.dimension} dimensions and no others", field="dimensions"
        )
    return await run_in_threadpool(_embedded, encoder, asked)


def _embedded(encoder: Encoder, asked: ToEmbed) -> Embedded:
    told = encoder.tokens_of(asked.texts, query=asked.query) if isinstance(encoder, CountsTokens) else ([], [])
    counts, cut = told
    if any(cut) and not asked.truncate:
        place = cut.index(True)
        raise Problem(
            Kind.TOO_LONG,
            f"{asked.field}.{place} is longer than the {counts[place]} tokens that the model reads: shorten it, or "
            'send "truncate": true to embed its start',
            field=asked.field,
        )
    encode = encoder.encode_queries if asked.query else encoder.encode_passages
    return Embedded(encode(asked.texts), sum(counts), sum(cut))
