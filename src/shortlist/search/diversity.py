"""Which hits of a ranked pool form the answer: without repeated texts, with a few of each document, or varied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shortlist.search.folding import Folding, folded_count, similarity, words_in
from shortlist.types import Hit, Note


@dataclass(frozen=True, slots=True)
class Diversity:
    """How an answer avoids repetition. The default changes nothing.

    `fold` makes one hit of passages with the same text, or almost the same. `per_document` is the most hits of one
    document. `mmr` is the weight of relevance against difference: 1 keeps the order, 0 chooses the most different hits.
    """

    fold: bool = False
    per_document: int | None = None
    mmr: float | None = None

    def chosen(self, hits: Sequence[Hit], top_k: int) -> tuple[list[Hit], list[Note]]:
        """Return the answer of at most `top_k` hits, with ranks from 1, and notes about the limit of documents.

        `hits` are the whole pool, best first. Folding comes first, so the answer has `top_k` different hits if the pool
        has as many. The best passage of a group is its hit.
        """
        needed = len(hits) if self.mmr is not None or self.per_document is not None else top_k
        candidates = _folded(hits, needed) if self.fold else list(hits)
        answer, crowded = self._selected(candidates, top_k)
        notes = [Note("document_limit", count=crowded, per_document=self.per_document)] if crowded else []
        return [hit if hit.rank == rank else replace(hit, rank=rank) for rank, hit in enumerate(answer, start=1)], notes

    def _selected(self, candidates: list[Hit], top_k: int) -> tuple[list[Hit], int]:
        """Return the answer, and how many candidates the limit of their document left out of it."""
        order = candidates if self.mmr is None else _varied(candidates, self.mmr, self.per_document, top_k)
        most = self.per_document
        if most is None:
            return order[:top_k], 0
        answer, crowded, counts = list[Hit](), 0, Counter[str]()
        for hit in order:
            if len(answer) == top_k:
                break
            counts[hit.document_id] += 1
            if counts[hit.document_id] > most:
                crowded += 1
            else:
                answer.append(hit)
        return answer, crowded


NO_DIVERSITY = Diversity()


def folded_notes(hits: Sequence[Hit]) -> list[Note]:
    """Return the note about the passages that are folded into these hits, if there are any."""
    count = folded_count(hits)
    return [Note("folded", count=count)] if count else []


def _folded(hits: Sequence[Hit], needed: int) -> list[Hit]:
    """Return the first `needed` different hits. The hits below only count as duplicates of these."""
    folding, kept = Folding(), 0
    for hit in hits:
        keep = kept < needed
        kept += not folding.folds(hit, keep=keep) and keep
    return folding.hits()


def _varied(candidates: list[Hit], weight: float, per_document: int | None, top_k: int) -> list[Hit]:
    """Return the candidates in the order of maximal marginal relevance, as far as the answer needs it.

    The relevance is the score, scaled to 0 to 1 over the candidates. The similarity is that of the words, so every
    retriever has it. A hit that the reranker did not score is the least relevant.

    Source: Carbonell and Goldstein, The use of MMR, SIGIR 1998. `weight` is their lambda.
    """
    relevance, words = _relevance(candidates), [words_in(hit) for hit in candidates]
    nearest, left = [0.0] * len(candidates), list(range(len(candidates)))
    counts, order = Counter[str](), list[int]()
    while left and len(order) < top_k:
        best = max(left, key=lambda place: (weight * relevance[place] - (1 - weight) * nearest[place], -place))
        left.remove(best)
        order.append(best)
        counts[candidates[best].document_id] += 1
        if per_document is not None and counts[candidates[best].document_id] >= per_document:
            full = candidates[best].document_id
            left = [place for place in left if candidates[place].document_id != full]
        for place in left:
            nearest[place] = max(nearest[place], similarity(words[best], words[place]))
    return [candidates[place] for place in order]


def _relevance(hits: Sequence[Hit]) -> list[float]:
    reranked = any(hit.rerank_score is not None for hit in hits)
    scores = [hit.score for hit in hits if not reranked or hit.rerank_score is not None]
    if not scores:
        return []
    low, span = min(scores), max(scores) - min(scores)
    return [0.0 if reranked and hit.rerank_score is None else (hit.score - low) / span if span else 1.0 for hit in hits]
