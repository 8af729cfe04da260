"""The checks that all embedding dialects make before texts are embedded."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from shortlist.protocols import Encoder
from shortlist.server.batching.embedder import Embeddings, EmbedRequest, embed_now
from shortlist.server.components import Components
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_texts

__all__ = ["EmbedRequest", "Embeddings", "embed", "encoder_of"]


def encoder_of(components: Components) -> Encoder:
    """Return the bi-encoder.

    Raises:
        Problem: The server has none.
    """
    if components.encoder is None:
        raise Problem(Kind.UNAVAILABLE, "this server has no bi-encoder: start it with a bi-encoder to embed texts")
    return components.encoder


async def embed(components: Components, request: EmbedRequest) -> Embeddings:
    """Return one vector for each text, from the queue, or from a thread if the server has no queue.

    Raises:
        Problem: No texts, too many texts, an empty or too long text, other dimensions than the model's, or no
            bi-encoder.
        QueueFull: Too many texts are waiting.
    """
    encoder = encoder_of(components)
    check_texts(components, request.texts, request.field, components.limits.max_inputs)
    if not all(text.strip() for text in request.texts):
        raise Problem(Kind.EMPTY, f"{request.field} contains an empty text", field=request.field)
    if request.dimensions not in (None, encoder.dimension):
        raise Problem(
            Kind.INVALID, f"this model gives {encoder.dimension} dimensions and no others", field="dimensions"
        )
    if components.embedder is None:
        return await run_in_threadpool(embed_now, encoder, request)
    return await components.embedder.embed(request)
