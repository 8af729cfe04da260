"""The demonstration: one query with a trap over a small corpus, in three orders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.config import SearchConfig
from shortlist.index import open_index
from shortlist.search.scores import info_of
from shortlist.types import Document, Hit, Ranking

QUERY = "a vector database that does not need a separate server to run"
NOTES = Path(__file__).parent / "notes.jsonl"
POOLS = (1, 5)


@dataclass(frozen=True, slots=True)
class Demo:
    """The answers to `QUERY` over the notes.

    `answers` holds the ids of the notes that answer the query. `stage_one` is stage one's order, `reranker` the order
    of the reranker's own score, and `final` the order of a search with default settings: all of them hold every note.
    `pools` are the answers of the reranker alone with small pools.
    """

    answers: frozenset[str]
    stage_one: Ranking
    reranker: Ranking
    final: Ranking
    pools: tuple[Ranking, ...]
    models: tuple[str, str]

    def is_answer(self, hit: Hit) -> bool:
        """Return whether the note answers the query."""
        return hit.document_id in self.answers

    def places(self, ranking: Ranking) -> list[int]:
        """Return the ranks of the answers, from 1."""
        return [hit.rank for hit in ranking if self.is_answer(hit)]

    def ceiling(self, pool_size: int) -> float:
        """Return the share of the answers among stage one's first `pool_size`. Reranking them cannot find more."""
        return sum(map(self.is_answer, self.stage_one[:pool_size])) / len(self.answers)

    def to_dict(self) -> dict[str, Any]:
        """Return the three orders as a JSON object."""
        bi_encoder, reranker = self.models
        return {
            "query": QUERY,
            "notes": len(self.stage_one),
            "answers": sorted(self.answers),
            "models": {"bi_encoder": bi_encoder, "reranker": reranker},
            "weights": dict(self.final.weights),
            "orders": {
                "stage_one": self._order(self.stage_one),
                "reranker": self._order(self.reranker),
                "final": self._order(self.final),
            },
            "recall_ceiling": {str(ranking.pool_size): self.ceiling(ranking.pool_size) for ranking in self.pools},
        }

    def _order(self, ranking: Ranking) -> list[dict[str, Any]]:
        return [
            {
                "rank": hit.rank,
                "id": hit.document_id,
                "title": hit.title,
                "answer": self.is_answer(hit),
                "score": hit.score,
                "rerank_score": hit.rerank_score,
                "retrieval_rank": hit.retrieval_rank,
                "retrieval_score": hit.retrieval_score,
                "signals": dict(hit.signals),
            }
            for hit in ranking
        ]


def notes() -> tuple[list[Document], frozenset[str]]:
    """Return the sample corpus, and the ids of the notes that answer `QUERY`."""
    rows = [json.loads(line) for line in NOTES.read_text(encoding="utf-8").splitlines()]
    documents = [Document(row["id"], row["text"], row["title"]) for row in rows]
    return documents, frozenset(row["id"] for row in rows if row["relevant"])


def run(folder: Path) -> Demo:
    """Index the notes in `folder`, and search them in every way that the demonstration shows."""
    documents, answers = notes()
    size = len(documents)
    with open_index(folder, create=True, config=SearchConfig(pool_size=size, top_k=size)) as index:
        index.add(documents)
        searcher = index.searcher
        assert searcher.reranker is not None
        return Demo(
            answers=answers,
            stage_one=searcher.search(QUERY, rerank=False),
            reranker=searcher.search(QUERY, blend=0.0),
            final=searcher.search(QUERY),
            pools=tuple(searcher.search(QUERY, pool_size=pool, blend=0.0) for pool in POOLS),
            models=(index.collection.manifest.encoder, info_of(searcher.reranker).name),
        )
