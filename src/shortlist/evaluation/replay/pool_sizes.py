"""Which pool sizes are different searches: with few passages, the largest sizes have the same pools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.replay import answer_to
from shortlist.evaluation.replay.scoring_pass import retrieval_sizes
from shortlist.search.pool import retrieved
from shortlist.search.search import Search
from shortlist.text.validation import checked_text
from shortlist.types import Hit, Note

Answers = Mapping[int, Sequence[Hit]]
"""k -> the hits of one query."""


def answers_of(search: Search, judged: Judged, sizes: Sequence[int], depth: int) -> list[Answers]:
    """Return what stage one answers to each query, without scoring. Raises as `retrieved`."""
    retriever = search.retriever_at()
    every = retrieval_sizes(retriever, sizes, depth)
    return [{k: retrieved(retriever, checked_text(text), k) for k in every} for text in judged.queries.values()]


def different_sizes(answers: Sequence[Answers], sizes: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes, smallest first, without those that have the same pools for every query as a smaller size.

    The smallest of several equal sizes stays.
    """

    def pools(size: int) -> list[list[str]]:
        return [[hit.passage.id for hit in answer_to(each, size)] for each in answers]

    first, *others = sorted(sizes)
    kept, before = [first], pools(first)
    for size in others:
        if (now := pools(size)) != before:
            kept, before = [*kept, size], now
    return tuple(kept)


def same_pools(answers: Iterable[Answers], given_sizes: Sequence[int], kept: Sequence[int]) -> list[Note]:
    """Return a note about the sizes that are not `kept`; none if every size of `given_sizes` is kept."""
    left_out = [str(size) for size in sorted(given_sizes) if size not in kept]
    if not left_out:
        return []
    passages = max(len(answer_to(each, max(kept))) for each in answers)
    return [Note("same_pools", pools=left_out, passages=passages)]
