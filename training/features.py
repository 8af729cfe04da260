"""`python training/features.py`: what both stages say of queries that training did not use -> `features.jsonl`.

The queries are those of `fit.py`: the held sources of the judged pools, and mined queries over the passages of their
source. In addition, it has queries that training left out of four of its own sources. `alternatives.py` reads the file.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from typing import Any

import config
import judged
import stage_one
from fit import POOL, every_exit, mined_groups
from shortlist import CrossEncoder
from shortlist.text.negation import is_negated
from shortlist.types import Hit, Passage
from sources import read_source

SIGNALS = ("dense", "bm25", "bm25_share")
UNSEEN = 1500
"""Queries of a training source after those that training used, and as many passages."""


def row(source: str, depth: int, query: str, hits: list[Hit], grades: list[int], model: CrossEncoder) -> dict[str, Any]:
    """Return a line of the file: lists have an entry for each passage, logits a list for each exit."""
    texts = [hit.passage.content for hit in hits]
    return {
        "source": source,
        "depth": depth,
        "query": query,
        "negated": is_negated(query),
        "grades": grades,
        "hybrid": [hit.retrieval_score for hit in hits],
        "signals": [[hit.signals.get(name, 0.0) for name in SIGNALS] for hit in hits],
        "words": [len(text.split()) for text in texts],
        "logits": every_exit(model, query, texts).tolist(),
    }


def judged_rows(settings: dict[str, Any], every: int, model: CrossEncoder) -> Iterator[dict[str, Any]]:
    """Yield the queries of every `every`-th judged pool of the held sources; their measure is nDCG@5."""
    pools = judged.held_pools(settings)[::every]
    for source in dict.fromkeys(pool["source"] for pool in pools):
        own = [pool for pool in pools if pool["source"] == source]
        texts = list(dict.fromkeys(text for pool in own for text in pool["passages"]))
        with stage_one.hybrid([Passage(text, text) for text in texts]) as retriever:
            for pool in own:
                for query, grades in zip(pool["queries"], pool["grades"], strict=True):
                    hits = {hit.passage.id: hit for hit in retriever.retrieve(query, len(texts))}
                    yield row(source, 5, query, [hits[text] for text in pool["passages"]], grades, model)


def groups_of_sources(settings: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the mined queries of each source that training did not use, and of each source after those that it used."""
    for name in settings["fit"]["sources"]:
        yield f"{name}, mined", mined_groups(name, settings)
    for name in settings["fit"]["unseen"]:
        rng, used = random.Random(f"{settings['seed']}-{name}"), settings["sources"][name]
        file = settings["data"] / f"{name}.jsonl.gz"
        yield f"{name}, unseen", read_source(file, settings["keep"].get(name), used + UNSEEN, rng)[used:]


def mined_rows(settings: dict[str, Any], queries: int, model: CrossEncoder) -> Iterator[dict[str, Any]]:
    """Yield mined queries of each source with their pools of 50; their measure is nDCG@10."""
    for source, groups in groups_of_sources(settings):
        passages = {group["positive"]: Passage(str(number), group["positive"]) for number, group in enumerate(groups)}
        with stage_one.hybrid(list(passages.values())) as retriever:
            for group in groups[:queries]:
                hits = retriever.retrieve(group["query"], POOL)
                answers = [int(hit.passage.content in group["also"]) for hit in hits]
                yield row(source, 10, group["query"], hits, answers, model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=60, help="mined queries of each source")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th judged pool")
    arguments, settings = parser.parse_args(), config.load()
    path, model = settings["work"] / "features.jsonl", CrossEncoder()
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as file:
        for rows in (
            judged_rows(settings, arguments.every, model),
            mined_rows(settings, arguments.queries, model),
        ):
            file.writelines(json.dumps(line) + "\n" for line in rows)
    partial.rename(path)


if __name__ == "__main__":
    main()
