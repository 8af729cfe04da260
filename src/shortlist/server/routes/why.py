"""`/why`: the words of a query that decide between two passages, in each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from anyio import from_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from shortlist.protocols import Encoder
from shortlist.server.bodies import described, read
from shortlist.server.parts import Parts, parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.scorer import Scored, Scorer
from shortlist.why import explain, word_places

router = APIRouter()

MOST_WORDS = 64
"""Each word of the query costs one more scoring of both passages."""


class WhyRequest(BaseModel):
    """Two passages, by the ids that `/search` shows or by their texts."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: str = Field(min_length=1)
    id_a: str | None = None
    id_b: str | None = None
    text_a: str | None = None
    text_b: str | None = None


class ThroughScorer:
    """Satisfies `Reranker` for code in a worker thread: every call goes through the server's scorer and its queue."""

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
        return from_thread.run(self._scorer.score, query, texts)


@router.post("/why", openapi_extra=described(WhyRequest))
async def answer(request: Request) -> JSONResponse:
    """Leaves out one word of the query at a time, and says what each adds to A's score less B's."""
    parts = parts_of(request)
    asked = await read(request, WhyRequest, parts.settings.max_body)
    encoder, scorer = _both(parts)
    _check(asked, parts.settings.max_characters)
    a, b = await _texts(asked, parts)
    why = await run_in_threadpool(explain, asked.query, a, b, encoder, ThroughScorer(scorer))
    return JSONResponse(asdict(why))


def _both(parts: Parts) -> tuple[Encoder, Scorer]:
    if parts.encoder is None or parts.scorer is None:
        raise Problem(Kind.UNAVAILABLE, "the words are held against both stages, and this server has one model")
    return parts.encoder, parts.scorer


def _check(asked: WhyRequest, most: int) -> None:
    ids, texts = (asked.id_a, asked.id_b), (asked.text_a, asked.text_b)
    by_id, by_text = [all(one is not None for one in pair) for pair in (ids, texts)]
    if by_id == by_text or sum(one is not None for one in (*ids, *texts)) != 2:
        raise Problem(Kind.INVALID, "give two passages: id_a and id_b, or text_a and text_b")
    for name in ("query", "text_a", "text_b"):
        text = getattr(asked, name)
        if text is not None and not text.strip():
            raise Problem(Kind.EMPTY, f"{name} is empty: give at least one word", field=name)
        if text is not None and len(text) > most:
            raise Problem(Kind.TOO_LONG, f"{name} is longer than {most} characters", field=name)
    words = len(word_places(asked.query))
    if words > MOST_WORDS:
        raise Problem(
            Kind.TOO_LONG, f"the query has {words} words, at most {MOST_WORDS} here: shorten it", field="query"
        )


async def _texts(asked: WhyRequest, parts: Parts) -> tuple[str, str]:
    if asked.text_a is not None and asked.text_b is not None:
        return asked.text_a, asked.text_b
    assert asked.id_a is not None
    assert asked.id_b is not None
    a, b = await run_in_threadpool(lambda: [_held(parts, one) for one in (asked.id_a, asked.id_b) if one is not None])
    return a, b


def _held(parts: Parts, shown: str) -> str:
    """What the models read of the passage that `/search` shows under this id."""
    if parts.index is None:
        raise Problem(Kind.NOT_FOUND, f"this server has no index to find {shown!r} in: give text_a and text_b")
    names = [shown, f"{parts.names.root}/{shown}"] if parts.names.root else [shown]
    found = parts.index.get(names)
    if not found:
        raise Problem(Kind.NOT_FOUND, f"the index holds no passage {shown!r}: /search shows the ids of passages")
    return found[0].content
