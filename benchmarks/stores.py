"""Quality, advice and cost over real stores: `python benchmarks/stores.py [--sets ...] [--stores ...] [--queries 300]`.

The same passages, whole and encoded once, are put into each store, and into an index of shortlist. For each store, the
script reports nDCG@10 of stage one (by vectors; by vectors and words), nDCG@10 of the reranked pool of 50, the
recommendation of `tune`, and the time of the adapter: `retrieve(query, 100)` compared with the store client's own call
for the same query. Encoding is left out on both sides. A pair of query and passage is scored once for all stores.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import data
from filled_stores import KINDS, Filled
from shortlist.evaluation.evaluate import evaluate
from shortlist.evaluation.query_sets.query_set import QuerySet, resolve
from shortlist.evaluation.tuning.tune import Tuning, tune
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.protocols import Encoder, Retriever
from shortlist.registry import fitted_weights, load_encoder, load_retriever
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.retrievers import Dense, Hybrid
from shortlist.search.search import Search
from shortlist.types import Passage, Scores
from shortlist.wording import describe

SETS = ("scifact", "cookbook_docs")
OURS = "index of shortlist"
MEASURE = "nDCG@10"
POOL, K = 50, 100
LIMIT_MS = 5.0
Vectors = NDArray[np.float32]


class KeptVectors:
    """A bi-encoder that encodes each query once."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.dimension = encoder.name, encoder.dimension
        self._encoder = encoder
        self._kept: dict[str, Vectors] = {}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        for text in texts:
            if text not in self._kept:
                self._kept[text] = self._encoder.encode_queries([text])[0]
        return np.stack([self._kept[text] for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode_passages(texts)


class KeptScores:
    """A cross-encoder that scores each pair of query and passage once."""

    def __init__(self, model: CrossEncoder) -> None:
        self.info = model.info
        self._model = model
        self._kept: dict[tuple[str, str], tuple[float, bool]] = {}

    def skip_reason(self, query: str) -> Any:
        return self._model.skip_reason(query)

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        missing = list(dict.fromkeys(text for text in texts if (query, text) not in self._kept))
        if missing:
            scores = self._model.score(query, missing)
            for text, score, cut in zip(missing, scores, scores.truncated, strict=True):
                self._kept[query, text] = score, cut
        kept = [self._kept[query, text] for text in texts]
        return Scores([score for score, _ in kept], [cut for _, cut in kept])


def encoded(encoder: Encoder, passages: list[Passage]) -> Vectors:
    """Return the vectors of the passages."""
    parts = range(0, len(passages), 512)
    return np.concatenate(
        [encoder.encode_passages([passage.content for passage in passages[start : start + 512]]) for start in parts]
    )


def stage_one(test: data.TestSet, retriever: Retriever) -> float:
    """Return nDCG@10 of stage one."""
    orders = {key: [hit.passage.id for hit in retriever.retrieve(text, K)] for key, text in test.queries.items()}
    return data.measure(test.qrels, orders)[MEASURE]


def advice(tuning: Tuning) -> dict[str, Any]:
    """Return the recommendation and the curve behind it."""
    curve = tuning.curve
    return {
        "rerank": tuning.rerank,
        "pool": tuning.recommended.size,
        "settings": tuning.settings,
        "sizes": list(curve.sizes),
        "ceiling": [round(float(mean), 4) for mean in curve.recall.mean(axis=1)],
        MEASURE: [round(float(mean), 4) for mean in curve.means(MEASURE)],
        "warnings": [describe(note) for note in tuning.warnings],
    }


def both_stages(test: data.TestSet, retriever: Retriever, reranker: KeptScores) -> dict[str, Any]:
    """Measure and tune the whole search with the default settings on the queries of the set."""
    judged = resolve(QuerySet(test.name, test.queries, test.qrels), test.passages, allow_unknown=True)
    search = Search(retriever, reranker, weights=fitted_weights(BI_ENCODER, CROSS_ENCODER))
    evaluation = evaluate(search, judged, pool_size=POOL)
    values = {stage: round(evaluation.estimate(stage, MEASURE).mean, 4) for stage in ("stage one", "reranked")}
    return {**values, "recall of the pool": round(evaluation.recall.mean, 4), "tune": advice(tune(search, judged))}


def milliseconds(call: Callable[[], object]) -> tuple[float, float]:
    """Return the time of the call, and the processor time that this process used for it."""
    began, used = time.perf_counter(), time.process_time()
    call()
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - used)


def cost(queries: Sequence[str], encoder: KeptVectors, retriever: Retriever, filled: Filled) -> dict[str, float]:
    """Return medians over the queries, in ms: of `retrieve`, of the client's own calls, and of the difference.

    Both are called in turns, and each is called five times for a query. The fastest of the five counts. "processor" is
    the difference of the processor time of this process, which other programs hardly change.
    """

    def own(query: str) -> None:
        filled.dense(encoder.encode_queries([query])[0], K)
        if isinstance(retriever, Hybrid) and filled.words is not None:
            filled.words(query, K)

    ours, theirs, added, processor = [], [], [], []
    for query in queries:
        encoder.encode_queries([query])
        calls = functools.partial(retriever.retrieve, query, K), functools.partial(own, query)
        rounds = np.array([[milliseconds(call) for call in calls] for _ in range(5)]).min(axis=0)
        (mine, my_processor), (other, other_processor) = rounds.tolist()
        ours.append(mine)
        theirs.append(other)
        added.append(mine - other)
        processor.append(my_processor - other_processor)
    medians = {"adapter": ours, "client": theirs, "added": added, "processor": processor}
    return {name: round(statistics.median(values), 2) for name, values in medians.items()}


class Benchmark:
    """The models and the options that all sets share."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.encoder, self.reranker = KeptVectors(load_encoder(BI_ENCODER)), KeptScores(CrossEncoder())

    def measured(self, test: data.TestSet, retriever: Retriever) -> dict[str, Any]:
        """Return the measures of one store."""
        dense = Dense(getattr(retriever, "index", None), self.encoder) if isinstance(retriever, Hybrid) else retriever
        hybrid = stage_one(test, retriever) if isinstance(retriever, Hybrid) else None
        first = {"dense": stage_one(test, dense), "hybrid": hybrid}
        if not self.options.rerank:
            return first
        return {**first, **both_stages(test.sample(self.options.rerank), retriever, self.reranker)}

    def ours(self, test: data.TestSet, vectors: Vectors, folder: Path) -> dict[str, Any]:
        """Return the row of an index of shortlist."""
        index = EmbeddedEngine().create(folder, dimension=vectors.shape[1])
        try:
            index.add(test.passages, vectors)
            return {"store": OURS, "exact": True, **self.measured(test, Hybrid(index, self.encoder))}
        finally:
            index.close()

    def theirs(self, name: str, test: data.TestSet, vectors: Vectors, folder: Path) -> dict[str, Any]:
        """Return the row of a store."""
        kind = KINDS[name]
        filled = kind.fill(folder, test.passages, vectors)
        words = folder / "words" if kind.own_words else None
        retriever = load_retriever(filled.name, encoder=self.encoder, client=filled.client, words=words)
        store: Any = getattr(retriever, "index", None)
        dense = Dense(store, self.encoder)
        facts = {"store": name, "versions": kind.versions(), "exact": store.exact, "cut passages": filled.cut}
        row = {**facts, **self.measured(test, retriever)}
        queries = list(test.queries.values())[: self.options.timed]
        row["ms, dense"] = cost(queries, self.encoder, dense, filled)
        if filled.words is not None:
            row["ms, hybrid"] = cost(queries, self.encoder, retriever, filled)
        store.close()
        return row

    def run(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a set so far, after each store."""
        test = data.load(name, most_queries=self.options.queries)
        if self.options.passages:
            test = smaller(test, self.options.passages)
        vectors = encoded(self.encoder, test.passages)
        rows = []
        for store in [OURS, *self.options.stores]:
            with tempfile.TemporaryDirectory(prefix="stores_") as place:
                folder = Path(place)
                rows.append(
                    self.ours(test, vectors, folder) if store == OURS else self.theirs(store, test, vectors, folder)
                )
            show(name, rows[-1])
            yield {
                "set": name,
                "passages": len(test.passages),
                "queries": len(test.queries),
                "of": test.total,
                "reranked_queries": min(self.options.rerank, len(test.queries)),
                "stores": rows,
            }


def smaller(test: data.TestSet, most: int) -> data.TestSet:
    """Return the set with the judged passages and at most `most` others, for a quick try."""
    judged = {key for grades in test.qrels.values() for key in grades}
    others = [passage.id for passage in test.passages if passage.id not in judged][:most]
    kept = judged | set(others)
    passages = [passage for passage in test.passages if passage.id in kept]
    return data.TestSet(test.name, passages, test.queries, test.qrels, test.total)


def show(name: str, row: dict[str, Any]) -> None:
    """Print one store of a set."""
    hybrid = "" if row["hybrid"] is None else f", hybrid {row['hybrid']:.4f}"
    print(f"\n{name}, {row['store']}: dense {row['dense']:.4f}{hybrid} (exact: {row['exact']})", flush=True)
    if "tune" in row:
        pool = row["tune"]["pool"] if row["tune"]["rerank"] else "none"
        print(f"  the reranked queries: {row['stage one']:.4f} -> {row['reranked']:.4f}; recommended pool: {pool}")
    for key in ("ms, dense", "ms, hybrid"):
        if key in row:
            ms = row[key]
            met = "target met" if ms["added"] <= LIMIT_MS else "target NOT met"
            times = f"adapter {ms['adapter']:.2f}, client {ms['client']:.2f}, added {ms['added']:+.2f}"
            times += f", processor {ms['processor']:+.2f}"
            print(f"  {key}: {times} ({met}: at most {LIMIT_MS:g})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--stores", nargs="*", default=list(KINDS), choices=list(KINDS), metavar="STORE")
    parser.add_argument("--queries", type=int, default=300, help="stage one: a fixed sample of larger query sets")
    parser.add_argument(
        "--rerank", type=int, default=40, help="both stages: a fixed sample of those; 0: stage one alone"
    )
    parser.add_argument("--timed", type=int, default=50, help="queries whose time is measured")
    parser.add_argument("--passages", type=int, help="for a quick try: the judged passages, and so many others")
    parser.add_argument("--save", default=None, help="file name under benchmarks/results")
    options = parser.parse_args()
    benchmark, commit = Benchmark(options), data.commit()
    sets: list[dict[str, Any]] = []
    for name in options.sets:
        for result in benchmark.run(name):
            if options.save:
                data.save(options.save, {"commit": commit, "sets": [*sets, result]})
        sets.append(result)


if __name__ == "__main__":
    main()
