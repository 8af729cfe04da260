"""`/why`: the words of a query that put one passage above another, in each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from anyio import from_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from shortlist.protocols import Encoder
from shortlist.search.explain import explain, word_places
from shortlist.search.pool import retrieved
from shortlist.search.scores import info_of
from shortlist.server.batching.embedder import Embedder, EmbedRequest
from shortlist.server.batching.scorer import Scorer
from shortlist.server.bodies import Query, described, json_of, parsed
from shortlist.server.components import Components, components_of
from shortlist.server.problems import Kind, Problem
from shortlist.types import RerankerInfo, Scores

router = APIRouter()

MAX_WORDS = 64
"""The largest number of words in a query: both passages are scored once more for each word."""

DEPTH = 100
"""The least number of hits in which a passage is looked for by its id, without an index."""

PASSAGE_FIELDS = frozenset({"id_a", "id_b", "text_a", "text_b"})
"""The fields that name the two passages, by id or by text."""


class WhyById(BaseModel):
    """Two passages of the index, by the ids that `/search` shows."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    id_a: str
    id_b: str


class WhyByText(BaseModel):
    """Two passages by their texts."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    text_a: Query
    text_b: Query


class ThroughScorer:
    """A reranker for a worker thread: every call goes through the server's scorer and its queue.

    A cancelled request makes no more calls.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    @property
    def info(self) -> RerankerInfo:
        """See `Reranker.info`."""
        return info_of(self._scorer.reranker)

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        """See `Reranker.score`. Raises what the scorer raises."""
        from_thread.check_cancelled()
        scored = from_thread.run(self._scorer.score, query, texts)
        return Scores(scored.scores, scored.truncated)


class ThroughEmbedder:
    """An encoder for a worker thread: every text goes through the server's embedding queue by itself.

    A text beyond the bi-encoder's window is cut, as in a search. A cancelled request makes no more calls.
    """

    def __init__(self, embedder: Embedder, encoder: Encoder) -> None:
        self._embedder, self.name, self.dimension = embedder, encoder.name, encoder.dimension

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_queries`. Raises what the queue raises."""
        return self._encode(texts, query=True)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_passages`. Raises what the queue raises."""
        return self._encode(texts, query=False)

    def _encode(self, texts: Sequence[str], *, query: bool) -> NDArray[np.float32]:
        return np.concatenate([self._vectors(text, query) for text in texts])

    def _vectors(self, text: str, query: bool) -> NDArray[np.float32]:
        from_thread.check_cancelled()
        request = EmbedRequest([text], "query" if query else "text", query=query, truncate=True)
        return from_thread.run(self._embedder.embed, request).vectors


@router.post("/why", openapi_extra=described(WhyByText, WhyById))
async def answer(request: Request) -> JSONResponse:
    """Leave out one word of the query at a time, and answer with what each word adds to the margin of A over B."""
    components = components_of(request)
    fields = await json_of(request, components.limits.max_body)
    given = {name for name in PASSAGE_FIELDS if fields.get(name) is not None}
    if not given:
        raise Problem(Kind.INVALID, "give two passages: id_a and id_b, or text_a and text_b")
    by_text = "text_a" in given or "text_b" in given
    body = parsed(WhyByText, fields) if by_text else parsed(WhyById, fields)
    encoder, scorer = _both_models(components)
    _check(body, components.limits.max_characters)
    if isinstance(body, WhyByText):
        a, b = body.text_a, body.text_b
    else:
        a, b = await run_in_threadpool(_contents, components, body.query, [body.id_a, body.id_b])
    queued = encoder if components.embedder is None else ThroughEmbedder(components.embedder, encoder)
    explanation = await run_in_threadpool(explain, body.query, a, b, queued, ThroughScorer(scorer))
    return JSONResponse(asdict(explanation))


def _both_models(components: Components) -> tuple[Encoder, Scorer]:
    if components.encoder is None or components.scorer is None:
        raise Problem(
            Kind.UNAVAILABLE,
            "the comparison needs a bi-encoder and a reranker, and this server lacks one of them",
        )
    return components.encoder, components.scorer


def _check(body: WhyById | WhyByText, max_characters: int) -> None:
    texts = {"query": body.query}
    if isinstance(body, WhyByText):
        texts |= {"text_a": body.text_a, "text_b": body.text_b}
    for name, text in texts.items():
        if not text.strip():
            raise Problem(Kind.EMPTY, f"{name} is empty: give at least one word", field=name)
        if len(text) > max_characters:
            raise Problem(Kind.TOO_LONG, f"{name} is longer than {max_characters} characters", field=name)
    words = len(word_places(body.query))
    if words > MAX_WORDS:
        raise Problem(
            Kind.TOO_LONG,
            f"the query has {words} words, and at most {MAX_WORDS} are allowed: shorten it",
            field="query",
        )


def _contents(components: Components, query: str, shown: Sequence[str]) -> list[str]:
    """Return the texts that the models read for the passages with these ids of `/search`.

    Without an index, the passages are found among the hits of the query.
    """
    if components.index is not None:
        index, names = components.index, components.names
        passages = {key: matches[0] for key in shown if (matches := index.get(names.originals(key)))}
    elif components.search is not None:
        size, _ = components.search.config.sizes
        depth = max(DEPTH, size) if isinstance(size, int) else DEPTH
        hits = retrieved(components.search.retriever, query, depth)
        passages = {components.names.shown(hit.id): hit.passage for hit in reversed(hits)}
    else:
        raise Problem(Kind.NOT_FOUND, f"this server has no index to find {shown[0]!r} in: give text_a and text_b")
    missing = [key for key in shown if key not in passages]
    if missing:
        place = "the index has" if components.index is not None else "the hits of this query have"
        raise Problem(Kind.NOT_FOUND, f"{place} no passage {missing[0]!r}: /search shows the ids of passages")
    return [passages[key].content for key in shown]
