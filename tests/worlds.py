"""Small corpora with judged queries, whose scores follow from the texts alone."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.config import SearchConfig
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.search.search import Search
from shortlist.types import Hit, Passage, PoolSize, Ranking, RerankerInfo, Scores, Where

WORDS = ("red", "blue", "cat", "dog", "file", "server", "tax", "bread", "tree", "stone")


class PoolRetriever:
    """Returns a list of its own for each query, with falling scores. A smaller k gives the start of the list."""

    def __init__(self, pools: Mapping[str, Sequence[Hit]]) -> None:
        self.pools = pools
        self.calls: list[tuple[str, int]] = []

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        self.calls.append((query, k))
        return list(self.pools[query][:k])


class ShiftingRetriever(PoolRetriever):
    """A larger k puts another passage first, as fused lists can: its shorter answers are not prefixes."""

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        self.calls.append((query, k))
        pool = list(self.pools[query])
        shifted = (pool[k % 3 :] + pool[: k % 3])[:k]
        return hits([hit.passage for hit in shifted], [hit.signals for hit in shifted])


class NumberEncoder:
    """The vector of a query is the number at its end."""

    name, dimension = "number", 1

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[float(text.split()[-1])] for text in texts], dtype=np.float32)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(texts), 1), dtype=np.float32)


class TwoLists:
    """An index whose two lists are drawn for each query, from the query and a seed alone. Counts its reads."""

    def __init__(self, corpus: Sequence[Passage], seed: int = 0) -> None:
        self.corpus = list(corpus)
        self.seed = seed
        self.reads = 0

    def ranked(self, kind: str, query: str, k: int) -> list[tuple[Passage, float]]:
        self.reads += 1
        return self._drawn(kind, query)[:k]

    def _drawn(self, kind: str, query: str) -> list[tuple[Passage, float]]:
        draw = random.Random(f"{self.seed} {kind} {query}")
        drawn = draw.sample(self.corpus, draw.randint(0, len(self.corpus)))
        return [(passage, (len(drawn) - place) / 50) for place, passage in enumerate(drawn)]

    def nearest(self, vector: NDArray[np.float32], k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        return self.ranked("dense", str(float(vector[0])), k)

    def matching(self, text: str, k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        return self.ranked("words", text, k)

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> list[float]:
        """A passage that the list of vectors lacks has a lower cosine than any passage of the list."""
        query = str(float(vector[0]))
        drawn = {passage.id: score for passage, score in self._drawn("dense", query)}
        return [drawn.get(key, random.Random(f"{query} {key}").random() / 50) for key in ids]


class TextReranker:
    """A score that depends on query and text alone. Some texts count as truncated."""

    def __init__(self, name: str = "text", pointwise: bool = True) -> None:
        self.info = RerankerInfo(name, pointwise=pointwise)
        self.scored = 0

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        self.scored += len(texts)
        return Scores(self.values(query, texts), [self.truncates(text) for text in texts])

    def values(self, query: str, texts: Sequence[str]) -> list[float]:
        return [zlib.crc32(f"{query}|{text}".encode()) % 97 / 17 for text in texts]

    def truncates(self, text: str) -> bool:
        return len(text) % 5 == 0


class FixedReranker(TextReranker):
    """Its scores are those of a function of query and texts."""

    def __init__(self, values, name: str = "fixed") -> None:
        super().__init__(name)
        self.values = values


def constant(score: float = 0.0) -> FixedReranker:
    """A reranker that gives every text one score, so that it leaves the order as it is."""
    return FixedReranker(lambda query, texts: [score] * len(texts))


class ListwiseReranker(TextReranker):
    """Its scores depend on the pool. `pointwise` is what it declares."""

    def __init__(self, pointwise: bool = False) -> None:
        super().__init__("listwise", pointwise)

    def values(self, query: str, texts: Sequence[str]) -> list[float]:
        scores = super().values(query, texts)
        most = 1 + max(scores, default=0.0)
        return [score / most + 0.3 * len(texts) * (place % 2) for place, score in enumerate(scores)]


class OracleReranker(TextReranker):
    """Knows the answers: `gain` 1 puts them first, -1 puts them last."""

    def __init__(self, relevant: Mapping[str, set[str]], gain: float = 1.0) -> None:
        super().__init__("oracle")
        self.relevant, self.gain = relevant, gain

    def values(self, query: str, texts: Sequence[str]) -> list[float]:
        noise = super().values(query, texts)
        return [
            self.gain * 100 * (text in self.relevant.get(query, ())) + score
            for text, score in zip(texts, noise, strict=True)
        ]


def searching(retriever, reranker=None, weights=None, **config) -> Search:
    """A search with these parts, weights and settings."""
    return Search(retriever, reranker, SearchConfig(**config), weights=weights or {})


def whole_ranking(search: Search, query: str, pool_size: PoolSize, depth: int = 10) -> Ranking:
    """The answer of a search with the whole pool, and below it the hits down to `depth`."""
    top_k = depth if pool_size == "auto" else max(pool_size, depth)
    return search.search(query, pool_size=pool_size, top_k=top_k, tail=True)


def hits(passages: Sequence[Passage], signals: Sequence[Mapping[str, float]]) -> list[Hit]:
    return [
        Hit(passage, 1.0 / rank, rank, 1.0 / rank, rank, signals=values)
        for rank, (passage, values) in enumerate(zip(passages, signals, strict=True), start=1)
    ]


def world(
    queries: int = 12, passages: int = 30, seed: int = 0, *, first: int = 0
) -> tuple[PoolRetriever, Judged, dict[str, set[str]]]:
    """A retriever, the judged queries, and the relevant texts of each. Relevant texts are at place `first` or later."""
    draw = random.Random(seed)
    corpus = [
        Passage(f"p{i}", " ".join(draw.choices(WORDS, k=draw.randint(2, 8))) + f" {i}", f"d{i}")
        for i in range(passages)
    ]
    pools, texts, qrels, answers = {}, {}, {}, {}
    for number in range(queries):
        query = f"{draw.choice(WORDS)} {number}"
        order = draw.sample(corpus, passages)
        signals = [{"dense": round(draw.random(), 3)} | ({"bm25_share": 0.5} if i % 2 else {}) for i in range(passages)]
        pools[query] = hits(order, signals)
        texts[f"q{number}"] = query
        relevant = draw.sample(order[first:], draw.randint(1, 3))
        grades = {passage.id: draw.randint(1, 2) for passage in relevant} | {order[0].id: draw.randint(0, 1)}
        qrels[f"q{number}"] = grades
        answers[query] = {passage.text for passage in order if grades.get(passage.id, 0) > 0}
    judged = resolve(QuerySet("made up", texts, qrels), corpus)
    return PoolRetriever(pools), judged, answers
