"""`/why`: the words of a query that decide between two passages, in each stage."""

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
from shortlist.server.batching.embedder import Embedder, ToEmbed
from shortlist.server.batching.scorer import Scored, Scorer
from shortlist.server.bodies import Query, described, json_of, parsed
from shortlist.server.components import Parts, parts_of
from shortlist.server.problems import Kind, Problem

router = APIRouter()

MOST_WORDS = 64
"""Each word of the query costs one more scoring of both passages."""

PASSAGES = frozenset({"id_a", "id_b", "text_a", "text_b"})
"""The fields that name the two passages, in one way or the other."""


class WhyById(BaseModel):
    """Two passages of the index, by the ids that `/search` shows."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    id_a: str
    id_b: str


class WhyByText(BaseModel):
    """Two passages from anywhere."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    text_a: Query
    text_b: Query


class ThroughScorer:
    """Satisfies `Reranker` for code in a worker thread: every call goes through the server's scorer and its queue.

    Once the request was cancelled, there are no more calls.
    """

    pointwise = True

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    @property
    def name(self) -> str:
        """The model's id."""
        return self._scorer.name

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """See `Reranker.score`; raises what the scorer raises."""
        return self._scored(query, texts).scores

    def score_and_report(self, query: str, texts: Sequence[str]) -> tuple[list[float], list[bool]]:
        """See `ReportsTruncation.score_and_report`."""
        scored = self._scored(query, texts)
        return scored.scores, scored.truncated

    def _scored(self, query: str, texts: Sequence[str]) -> Scored:
        from_thread.check_cancelled()
        return from_thread.run(self._scorer.score, query, texts)


class ThroughEmbedder:
    """Satisfies `Encoder` for code in a worker thread: every text goes through the server's embedding queue by itself.

    A text beyond the bi-encoder's window is read as far as it goes, as in a search. Once the request was cancelled,
    there are no more calls.
    """

    def __init__(self, embedder: Embedder, encoder: Encoder) -> None:
        self._embedder, self.name, self.dimension = embedder, encoder.name, encoder.dimension

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_queries`; raises what the queue raises."""
        return self._embedded(texts, query=True)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_passages`; raises what the queue raises."""
        return self._embedded(texts, query=False)

    def _embedded(self, texts: Sequence[str], *, query: bool) -> NDArray[np.float32]:
        return np.concatenate([self._one(text, query) for text in texts])

    def _one(self, text: str, query: bool) -> NDArray[np.float32]:
        from_thread.check_cancelled()
        asked = ToEmbed([text], "query" if query else "text", query=query, truncate=True)
        return from_thread.run(self._embedder.embed, asked).vectors


@router.post("/why", openapi_extra=described(WhyByText, WhyById))
async def answer(request: Request) -> JSONResponse:
    """Leaves out one word of the query at a time, and says what each adds to A's score less B's."""
    parts = parts_of(request)
    body = await json_of(request, parts.settings.max_body)
    named = {name for name in PASSAGES if body.get(name) is not None}
    if not named:
        raise Problem(Kind.INVALID, "give two passages: id_a and id_b, or text_a and text_b")
    by_text = "text_a" in named or "text_b" in named
    asked = parsed(WhyByText, body) if by_text else parsed(WhyById, body)
    encoder, scorer = _both(parts)
    _check(asked, parts.settings.max_characters)
    if isinstance(asked, WhyByText):
        a, b = asked.text_a, asked.text_b
    else:
        a, b = await run_in_threadpool(_held, parts, asked.id_a), await run_in_threadpool(_held, parts, asked.id_b)
    queued = encoder if parts.embedder is None else ThroughEmbedder(parts.embedder, encoder)
    why = await run_in_threadpool(explain, asked.query, a, b, queued, ThroughScorer(scorer))
    return JSONResponse(asdict(why))


def _both(parts: Parts) -> tuple[Encoder, Scorer]:
    if parts.encoder is None or parts.scorer is None:
        raise Problem(Kind.UNAVAILABLE, "the words are held against both stages, and this server has one model")
    return parts.encoder, parts.scorer


def _check(asked: WhyById | WhyByText, most: int) -> None:
    texts = {"query": asked.query}
    if isinstance(asked, WhyByText):
        texts |= {"text_a": asked.text_a, "text_b": asked.text_b}
    for name, text in texts.items():
        if not text.strip():
            raise Problem(Kind.EMPTY, f"{name} is empty: give at least one word", field=name)
        if len(text) > most:
            raise Problem(Kind.TOO_LONG, f"{name} is longer than {most} characters", field=name)
    words = len(word_places(asked.query))
    if words > MOST_WORDS:
        raise Problem(
            Kind.TOO_LONG, f"the query has {words} words, at most {MOST_WORDS} here: shorten it", field="query"
        )


def _held(parts: Parts, shown: str) -> str:
    """What the models read of the passage that `/search` shows under this id."""
    if parts.index is None:
        raise Problem(Kind.NOT_FOUND, f"this server has no index to find {shown!r} in: give text_a and text_b")
    found = parts.index.get(parts.names.meant(shown))
    if not found:
        raise Problem(Kind.NOT_FOUND, f"the index holds no passage {shown!r}: /search shows the ids of passages")
    return found[0].content
