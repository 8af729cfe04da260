"""A rerank pass over the result of any retriever: strings, dicts, or objects with text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.protocols import Reranker, SkipsQueries
from shortlist.reprs import short_repr
from shortlist.search.pending import Pending
from shortlist.search.scores import checked_reranker
from shortlist.search.search import scores_of
from shortlist.text.validation import checked_list, checked_text, item_name, sound
from shortlist.types import Hit, Note, Ranked

TEXT_FIELDS = ("text", "page_content", "content", "body", "passage", "document")
"""The fields that may hold a document's text, in this order (LangChain: page_content, Haystack: content)."""


def rank(query: str, documents: Iterable[Any], reranker: Reranker, *, top_k: int | None = None) -> list[Ranked]:
    """Return the documents, best first, at most `top_k`. Equal scores keep their order. No documents give no results.

    The reranker reads the result of `text_of`: the text of a document, after its title if the document has a title.
    Passages of an index therefore get the same score as in a search. The reranker scores every document, even for a
    query that a search would skip.

    Raises:
        InvalidInput: An empty query, a `top_k` below 1, one string in place of documents, a document without text, or a
            `reranker` without a method `score`.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    query = checked_text(query)
    items = checked_list(documents)
    checked_reranker(reranker)
    SearchConfig(top_k=top_k)
    pool = [
        Hit.of(str(place), text_of(item, item_name("document", place, len(items))), rank=place + 1)
        for place, item in enumerate(items)
    ]
    length = len(pool) if top_k is None else top_k
    pending = Pending(query, pool, (), reranker, "ok", len(pool), length, {})
    ranking = pending.finish(scores_of(pending))
    return [
        Ranked(hit.retrieval_rank - 1, hit.score, items[hit.retrieval_rank - 1], place, hit.truncated)
        for place, hit in enumerate(ranking, start=1)
    ]


class Ranks:
    """The method `rank`, which every reranker of the package has, and its repr."""

    def __repr__(self: Reranker) -> str:
        runtime = getattr(self, "runtime", None)
        facts = {"window": self.info.window} | ({} if runtime is None else {"runtime": runtime.shown})
        return short_repr(self, self.info.name, facts)

    def rank(self: Reranker, query: str, documents: Iterable[Any], *, top_k: int | None = None) -> list[Ranked]:
        """Return the documents, best first, at most `top_k`: see `shortlist.rerank`."""
        return rank(query, documents, self, top_k=top_k)


def skip_note(reranker: Reranker, query: str) -> Note | None:
    """Return the reason to keep stage one's order for this query in a search, or None. `rank` ignores the reason."""
    return reranker.skip_reason(query) if isinstance(reranker, SkipsQueries) else None


def text_of(item: object, label: str = "the document") -> str:
    """Return the text that a model reads: a string itself, or the first field or attribute of `TEXT_FIELDS` with text.

    If the document has a string `title`, the title is the first line of the result, as in `Passage.content`. If every
    such field is empty, the text is empty. `label` is the name of the document in the error.

    Raises:
        InvalidInput: None of the fields holds a string.
    """
    if isinstance(item, str):
        return sound(item)
    texts: list[str] = []
    for name in TEXT_FIELDS:
        holder, value = item, _field(item, name)
        if isinstance(value, Mapping):
            holder, value = value, value.get("text")
        if isinstance(value, str):
            title = _field(holder, "title")
            texts.append(f"{title}\n{value}" if isinstance(title, str) and title else value)
            if value.strip():
                return sound(texts[-1])
    if texts:
        return sound(texts[0])
    shown = sorted(map(str, item)) if isinstance(item, Mapping) else type(item).__name__
    raise InvalidInput(
        f"{label} has no text ({shown}): give strings, or dicts or objects with one of {', '.join(TEXT_FIELDS)}"
    )


def _field(item: object, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
