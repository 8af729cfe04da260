"""A rerank pass over the result of any retriever: strings, tuples, dicts, or objects with text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shortlist.config import SearchConfig
from shortlist.protocols import Encoder, Reranker, Scorer
from shortlist.reprs import short_repr
from shortlist.search.blend import blend_weights
from shortlist.search.documents import given, unused_note
from shortlist.search.encoded_pool import checked_encoder, cut_texts, encoded
from shortlist.search.pending import Pending
from shortlist.search.pool import numbered
from shortlist.search.ranked import Order, Ranked, Reranked
from shortlist.search.scores import checked_reranker, skip_note
from shortlist.search.search import scores_of
from shortlist.text.validation import checked_list, checked_text
from shortlist.types import Note


def rank(
    query: str,
    documents: Iterable[Any],
    reranker: Scorer,
    *,
    top_k: int | None = None,
    pool_encoder: Encoder | None = None,
) -> Reranked:
    """Return the documents, best first, at most `top_k`. Equal scores keep their order. No documents give no results.

    The reranker reads the text of a document, after its title if the document has a title: see `documents.given`.
    Passages of an index therefore get the same score as in a search. The reranker scores every document, even for a
    query that a search would skip. A note reports such a query.

    The order is that of the reranker's score alone, with two exceptions, if weights were fitted for a bi-encoder and
    this reranker: hits of a search with that bi-encoder (or dicts with `signals` and the `bi_encoder`), and documents
    that it encodes as the `pool_encoder`. The weighted signals of stage one are then part of the final score, as in a
    search. `Ranked.order` reports which of the two applies, and a note which numbers are not used.

    Raises:
        InvalidInput: An empty query, a `top_k` below 1, one string in place of documents, a document without text or
            with a score that is not a finite number, or a `reranker` without a method `score`.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    query = checked_text(query)
    items = checked_list(documents)
    reranker = checked_reranker(reranker)
    SearchConfig(top_k=top_k)
    documents = [given(item, place, len(items)) for place, item in enumerate(items)]
    pool = numbered([document.hit for document in documents])
    cut = [False] * len(pool)
    if pool_encoder is not None:
        pool = encoded(query, pool, checked_encoder(pool_encoder))
        cut = cut_texts([hit.passage.content for hit in pool], pool_encoder)
    weights = blend_weights(pool, reranker)
    order: Order = "blend" if weights else "reranker"
    length = len(pool) if top_k is None else top_k
    pending = Pending(query, pool, (), reranker, "ok", len(pool), length, weights)
    ranking = pending.finish(scores_of(pending))
    places = [hit.retrieval_rank - 1 for hit in ranking]
    rows = (
        Ranked(place, hit.score, items[place], rank, hit.truncated or cut[place], hit.rerank_score, order)
        for rank, (place, hit) in enumerate(zip(places, ranking, strict=True), start=1)
    )
    return Reranked(rows, [*notes_about(query, reranker), *unused_note(documents, weighted=bool(weights))])


class Ranks:
    """The method `rank`, which every reranker of the package has, and its repr."""

    def __repr__(self: Reranker) -> str:
        runtime = getattr(self, "runtime", None)
        facts = {"window": self.info.window} | ({} if runtime is None else {"runtime": runtime.shown})
        return short_repr(self, self.info.name, facts)

    def rank(self: Reranker, query: str, documents: Iterable[Any], *, top_k: int | None = None) -> Reranked:
        """Return the documents, best first, at most `top_k`: see `shortlist.rerank`."""
        return rank(query, documents, self, top_k=top_k)


def notes_about(query: str, reranker: Reranker) -> list[Note]:
    """Return a note "scores_uncertain" if a search would not rerank this query."""
    skipped = skip_note(reranker, query)
    return [] if skipped is None else [Note("scores_uncertain", **skipped.values)]
