"""What the embedding dialects have in common: the checks before the texts are embedded."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from shortlist.protocols import Encoder
from shortlist.server.batching.embedder import Embedded, ToEmbed, embed_now
from shortlist.server.components import Parts
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_texts

__all__ = ["Embedded", "ToEmbed", "embedded", "encoder_of"]


def encoder_of(parts: Parts) -> Encoder:
    """The bi-encoder.

    Raises:
        Problem: This server has none.
    """
    if parts.encoder is None:
        raise Problem(Kind.UNAVAILABLE, "this server has no bi-encoder: start it with one to embed texts")
    return parts.encoder


async def embedded(parts: Parts, asked: ToEmbed) -> Embedded:
    """One vector a text, from the queue of `parts.embedder`, or made in a thread where there is none.

    Raises:
        Problem: No texts, too many, an empty or too long one, other dimensions than the model's, or no bi-encoder.
        QueueFull: Too much is waiting.
    """
    encoder = encoder_of(parts)
    check_texts(parts, asked.texts, asked.field, parts.settings.max_inputs)
    if not all(one.strip() for one in asked.texts):
        raise Problem(Kind.EMPTY, f"{asked.field} holds an empty text", field=asked.field)
    if asked.dimensions not in (None, encoder.dimension):
        raise Problem(
            Kind.INVALID, f"this model gives {encoder.dimension} dimensions and no others", field="dimensions"
        )
    if parts.embedder is None:
        return await run_in_threadpool(embed_now, encoder, asked)
    return await parts.embedder.embed(asked)
