"""A rerank pass over what any other retriever returned: strings, dicts, or objects with text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shortlist.errors import InvalidInput
from shortlist.protocols import Declines, Reranker
from shortlist.search.pipeline import check_size, checked_reranker, score_texts
from shortlist.text.validation import checked_list, checked_text, sound

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


def rerank(query: str, candidates: Iterable[Item], reranker: Reranker, *, k: int | None = None) -> list[Reranked[Item]]:
    """The candidates, best first, at most `k`; ties keep their order; no candidates give an empty list.

    `candidates` may be any iterable. The reranker reads what `text_of` gives: a candidate's text, after its title where
    it has one, so that passages score as they do in a search.

    Raises:
        InvalidInput: An empty query, k below 1, one string in place of candidates, a candidate without text, or a
            `reranker` that is none, such as a model's name.
        BadScores: The reranker returned NaN, infinity, no numbers or a wrong count.
    """
    asked = checked_text(query)
    if k is not None:
        check_size("k (--top)", k)
    items = checked_list(candidates)
    checked_reranker(reranker)
    texts = [text_of(item, place) for place, item in enumerate(items)]
    if not texts:
        return []
    scores, cut = score_texts(reranker, asked, texts)
    order = sorted(range(len(texts)), key=lambda place: -scores[place])[:k]
    return [Reranked(items[place], scores[place], rank, place, cut[place]) for rank, place in enumerate(order, start=1)]


def doubt_of(reranker: Reranker, query: str) -> str:
    """Why a search would keep stage one's order for this query, though `rerank` scores it; "" where it would not."""
    why = reranker.declines(query) if isinstance(reranker, Declines) else ""
    return f"{why}: scored all the same; a search would keep stage one's order" if why else ""


def text_of(item: object, place: int = 0) -> str:
    """What a model reads of a candidate: itself, or its first field or attribute among `TEXT_FIELDS` that holds text.

    Where a string `title` stands beside that text, it goes in front on a line of its own, as in `Passage.content`.
    Where every such field is empty, so is the text.

    Raises:
        InvalidInput: None of them holds a string.
    """
    if isinstance(item, str):
        return sound(item)
    found: list[str] = []
    for name in TEXT_FIELDS:
        holder, value = item, _field(item, name)
        if isinstance(value, Mapping):
            holder, value = value, value.get("text")
        if isinstance(value, str):
            title = _field(holder, "title")
            found.append(f"{title}\n{value}" if isinstance(title, str) and title else value)
            if value.strip():
                return sound(found[-1])
    if found:
        return sound(found[0])
    shown = sorted(map(str, item)) if isinstance(item, Mapping) else type(item).__name__
    raise InvalidInput(
        f"candidate {place} has no text ({shown}): give strings, or dicts or objects with one of "
        f"{', '.join(TEXT_FIELDS)}"
    )


def _field(item: object, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
