"""The demonstration: one trap of a query over a small corpus, in both stages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.registry import fitted_weights, load_encoder, load_reranker
from shortlist.retrievers.engine import Dense
from shortlist.search.pipeline import Shortlist, stage_one_share
from shortlist.types import Hit, Passage, Ranking

QUERY = "a vector database that does not need a separate server to run"
NOTES = Path(__file__).parent / "notes.jsonl"
POOL = 24


@dataclass(frozen=True, slots=True)
class Demo:
    """What the models said. `relevant` holds the ids of the notes that answer the query; ceilings are R@pool.

    `reranked` and `pools` are in the order of the cross-encoder's own logit; the default score of a search adds stage
    one's signals with the fitted `weights`.
    """

    notes: int
    relevant: frozenset[str]
    stage_one: Ranking
    reranked: Ranking
    weights: Mapping[str, float]
    pools: tuple[Ranking, ...]
    bi_encoder: str
    cross_encoder: str

    def ceiling(self, pool_size: int) -> float:
        """The share of relevant notes among stage one's first `pool_size`: no reranking of them can find more."""
        found = {hit.passage.id for hit in self.stage_one.hits[:pool_size]}
        return len(found & self.relevant) / len(self.relevant)

    def first_by_default(self) -> Hit:
        """The hit of `reranked` that the default score puts first; ties go to stage one's order."""
        in_pool = sorted(self.reranked.hits, key=lambda hit: hit.retrieval_rank)
        return max(in_pool, key=lambda hit: hit.score + stage_one_share(hit, self.weights))


def notes() -> tuple[list[Passage], frozenset[str]]:
    """The sample corpus, and the ids of the notes that answer `QUERY`."""
    rows = [json.loads(line) for line in NOTES.read_text(encoding="utf-8").splitlines()]
    passages = [Passage(row["id"], row["text"], row["id"], row["title"], 0, len(row["text"])) for row in rows]
    return passages, frozenset(row["id"] for row in rows if row["relevant"])


def run(folder: Path, *, pools: tuple[int, ...] = (1, 4)) -> Demo:
    """Indexes the notes in `folder` and searches them: stage one alone, the whole pool reranked, small pools."""
    passages, relevant = notes()
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker(CROSS_ENCODER)
    with EmbeddedIndex.create(folder, encoder_name=encoder.name, dimension=encoder.dimension) as index:
        index.add(passages, encoder.encode_passages([passage.content for passage in passages]))
        dense = Dense(index, encoder)
        both = Shortlist(dense, reranker)
        return Demo(
            notes=len(passages),
            relevant=relevant,
            stage_one=Shortlist(dense).search(QUERY, pool_size=POOL, k=POOL),
            reranked=both.search(QUERY, pool_size=POOL, k=POOL),
            weights=fitted_weights(BI_ENCODER, CROSS_ENCODER),
            pools=tuple(both.search(QUERY, pool_size=size, k=size) for size in pools),
            bi_encoder=encoder.name,
            cross_encoder=reranker.name,
        )
