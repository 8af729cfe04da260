"""Judged queries over pools that are drawn: queries that a reranker can learn, and queries that are perfect already."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import tiny
from pair_models import pair_model
from shortlist import CrossEncoder
from shortlist.evaluation.query_sets.query_set import QuerySet
from shortlist.search.search import Search
from shortlist.types import Hit, Passage, Where

PASSAGES, POOL = 40, 12
PLAIN = [word for word in tiny.WORDS[4:] if word != "red"]


class DrawnPools:
    """Returns passages drawn for each query, in the order of the draw, with a cosine that means nothing."""

    bi_encoder = "drawn"
    prefix_depth = POOL

    def __init__(self, passages: list[Passage]) -> None:
        self.passages = passages

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        draw = np.random.default_rng(sum(map(ord, query)) * 7 + len(query))
        drawn = [self.passages[place] for place in draw.permutation(len(self.passages))[: min(k, POOL)]]
        signals = draw.uniform(size=len(drawn))
        return [
            Hit(passage, 1 / rank, rank, 1 / rank, rank, signals={"dense": float(signal)}, bi_encoder="drawn")
            for rank, (passage, signal) in enumerate(zip(drawn, signals, strict=True), start=1)
        ]


def passages() -> list[Passage]:
    """Every fourth passage has the word "red"."""
    draw = np.random.default_rng(11)
    texts = [" ".join([*draw.choice(PLAIN, 4), "red" if number % 4 == 0 else "blue"]) for number in range(PASSAGES)]
    return [Passage(f"p{number}", text, f"p{number}") for number, text in enumerate(texts)]


def query_set(queries: int = 60) -> QuerySet:
    """Queries whose relevant passages have "red"."""
    relevant = {passage.id: 1 for passage in passages() if "red" in passage.text}
    return QuerySet("red passages", texts := _texts(queries), dict.fromkeys(texts, relevant))


def perfect_set(queries: int = 60) -> QuerySet:
    """Queries whose relevant passages have the highest cosines of their pool: stage one is perfect."""
    pools = DrawnPools(passages())
    qrels = {}
    for key, text in _texts(queries).items():
        best = sorted(pools.retrieve(text, POOL), key=lambda hit: -hit.signals["dense"])[:3]
        qrels[key] = {hit.passage.id: 1 for hit in best}
    return QuerySet("perfect", _texts(queries), qrels)


def _texts(queries: int) -> dict[str, str]:
    draw = np.random.default_rng(12)
    return {f"q{number}": f"{draw.choice(PLAIN)} {draw.choice(PLAIN)} {number}" for number in range(queries)}


def search_with(folder: Path, **model: object) -> Search:
    """A search whose reranker knows nothing about "red"."""
    reranker = CrossEncoder(str(pair_model(folder, **model)), precision="exact", threads=1)  # type: ignore[arg-type]
    return Search(DrawnPools(passages()), reranker, weights={"dense": 1.0})


RETRIEVER = DrawnPools(passages())
"""Stage one by the name "worlds_to_learn:RETRIEVER"."""
