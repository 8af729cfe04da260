"""Two ways to fuse stage one's lists: `python benchmarks/fusion.py [--sets ...] [--sources ...] [--save fusion.json]`.

The lists of vectors and of BM25 are read once for each query. They are fused by reciprocal rank, and by the sum of the
cosine and the BM25 share with several weights of the share. The packaged weight is the ratio of the default
score's weights. The training sources (`--sources`) compare it with others: a source's passages are the answers of its
first pairs, and its queries are a part of these pairs. The test sets (`--sets`) only show the result.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import data
from quality import SETS, without_own_id
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.models.packaged import BI_ENCODER
from shortlist.protocols import Encoder
from shortlist.registry import load_encoder
from shortlist.retrievers.lexical import LIST_DEPTH
from shortlist.search.fusion import rrf
from shortlist.types import Passage

SOURCES = ("bioasq_7_9", "claims", "covidqa", "docs_sections", "faqs", "hotpotqa_1000", "lfrqa")
WEIGHTS = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5)
PASSAGES = 900
ALONE = ("dense", "BM25", "reciprocal rank")

Cosines = dict[str, float]
Shares = dict[str, float]


def source(name: str, queries: int) -> data.TestSet:
    """Return the first pairs of a training source as a test set."""
    path = data.data_folder() / "train" / f"{name}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in itertools.islice(lines, PASSAGES)]
    ids = {text: str(place) for place, text in enumerate(dict.fromkeys(row["positive"] for row in rows))}
    qrels: dict[str, dict[str, int]] = {}
    for row in rows:
        qrels.setdefault(row["query"], {})[ids[row["positive"]]] = 1
    kept = dict(itertools.islice(qrels.items(), queries))
    passages = [Passage(key, text, key) for text, key in ids.items()]
    return data.TestSet(name, passages, {query: query for query in kept}, kept, len(qrels))


def lists_of(test: data.TestSet, encoder: Encoder) -> Iterator[tuple[str, list[list[str]], Cosines, Shares]]:
    """Yield each query's id, its two lists without the query's own id, and both scores of their passages."""
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedEngine().create(Path(folder), dimension=encoder.dimension)
        for start in range(0, len(test.passages), 512):
            part = test.passages[start : start + 512]
            index.add(part, encoder.encode_passages([passage.content for passage in part]))
        for key, text in test.queries.items():
            vector = encoder.encode_queries([text])[0]
            near, words = index.nearest(vector, LIST_DEPTH), index.matching(text, LIST_DEPTH)
            lists = [without_own_id([passage.id for passage, _ in scored], key) for scored in (near, words)]
            ids = list(dict.fromkeys(itertools.chain(*lists)))
            highest = max((score for _, score in words), default=1.0)
            shares = {passage.id: score / highest for passage, score in words}
            yield key, lists, dict(zip(ids, index.similarities(vector, ids), strict=True)), shares
        index.close()


def added(weight: float) -> Callable[[Cosines, Shares], list[str]]:
    """Return the order by the cosine plus `weight` times the share."""

    def order(cosines: Cosines, shares: Shares) -> list[str]:
        return sorted(cosines, key=lambda key: -(cosines[key] + weight * shares.get(key, 0.0)))

    return order


def measured(test: data.TestSet, encoder: Encoder) -> dict[str, dict[str, float]]:
    """Return the measures of each way."""
    ways = {f"cosine + {weight:g} x share": added(weight) for weight in WEIGHTS}
    orders: dict[str, dict[str, list[str]]] = {name: {} for name in (*ALONE, *ways)}
    for key, lists, cosines, shares in lists_of(test, encoder):
        orders["dense"][key], orders["BM25"][key] = lists
        orders["reciprocal rank"][key] = [id_ for id_, _ in rrf(lists)]
        for name, way in ways.items():
            orders[name][key] = way(cosines, shares)
    return {name: data.measure(test.qrels, order) for name, order in orders.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--sources", nargs="*", default=list(SOURCES))
    parser.add_argument("--queries", type=int, default=100, help="queries of a set or source, at most")
    parser.add_argument("--save", default=None, help="file name under benchmarks/results")
    options, encoder = parser.parse_args(), load_encoder(BI_ENCODER)
    rows: list[dict[str, object]] = []
    commit = data.commit()
    by_kind: dict[str, list[dict[str, dict[str, float]]]] = {"sources": [], "sets": []}
    for kind, names in (("sources", options.sources), ("sets", options.sets)):
        for name in names:
            most = options.queries
            test = source(name, most) if kind == "sources" else data.load(name, most_queries=most)
            measures = measured(test, encoder)
            by_kind[kind].append(measures)
            rows.append({"kind": kind, "name": name, "queries": len(test.queries), "measures": measures})
            print(f"{kind} {name}: {len(test.passages)} passages, {len(test.queries)} queries", flush=True)
            if options.save:
                data.save(options.save, {"commit": commit, "sets": rows})
        show(by_kind[kind])


def show(sets: list[dict[str, dict[str, float]]]) -> None:
    """Print the mean of each way over the sets, and on how many it is above reciprocal rank."""
    for way in sets[0] if sets else ():
        means = (f"{name} {statistics.mean(one[way][name] for one in sets):.4f}" for name in data.MEASURES)
        better = sum(one[way]["nDCG@10"] > one["reciprocal rank"]["nDCG@10"] for one in sets)
        print(f"  {way:22}{'  '.join(means)}  better on {better} of {len(sets)}", flush=True)


if __name__ == "__main__":
    main()
