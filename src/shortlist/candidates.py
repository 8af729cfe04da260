"""A rerank pass over what any other retriever returned: strings, dicts, or objects with text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shortlist.errors import InvalidInput
from shortlist.pipeline import score_texts
from shortlist.protocols import Declines, Reranker

Item = TypeVar("Item")

TEXT_FIELDS = ("text", "page_content", "content", "body", "passage", "document")
"""Where a candidate's text is looked for, in this order (LangChain says page_content, Haystack content)."""


@dataclass(frozen=True, slots=True)
class Reranked(Generic[Item]):
    """One candidate: the very object that was given, its raw score, its new rank from 1 and its old place from 0."""

    item: Item
    score: float
    rank: int
    index: int
    truncated: bool


def rerank(query: str, candidates: Sequence[Item], reranker: Reranker, *, k: int | None = None) -> list[Reranked[Item]]:
    """The candidates, best first, at most `k`; ties keep their order; no candidates give an empty list.

    Raises:
        InvalidInput: An empty query, k below 1, or a candidate without text.
        BadScores: The reranker returned NaN, infinity or a wrong count.
    """
    if not query.strip():
        raise InvalidInput("the query is empty: give at least one word")
    if k is not None and k < 1:
        raise InvalidInput(f"k (--top) must be at least 1, not {k}")
    texts = [text_of(item, place) for place, item in enumerate(candidates)]
    if not texts:
        return []
    scores, cut = score_texts(reranker, query, texts)
    order = sorted(range(len(texts)), key=lambda place: -scores[place])[:k]
    return [
        Reranked(candidates[place], scores[place], rank, place, cut[place]) for rank, place in enumerate(order, start=1)
    ]


def doubt_of(reranker: Reranker, query: str) -> str:
    """Why a search would keep stage one's order for this query, though `rerank` scores it; "" where it would not."""
    why = reranker.declines(query) if isinstance(reranker, Declines) else ""
    return f"{why}: scored all the same; a search would keep stage one's order" if why else ""


def text_of(item: object, place: int = 0) -> str:
    """The text of a candidate: itself, or its first field or attribute among `TEXT_FIELDS` that holds a string.

    Raises:
        InvalidInput: It has none.
    """
    if isinstance(item, str):
        return item
    for name in TEXT_FIELDS:
        value = item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping) and isinstance(value.get("text"), str):
            return str(value["text"])
    shown = sorted(map(str, item)) if isinstance(item, Mapping) else type(item).__name__
    raise InvalidInput(
        f"candidate {place} has no text ({shown}): give strings, or dicts or objects with one of "
        f"{', '.join(TEXT_FIELDS)}"
    )
