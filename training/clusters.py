"""`python training/clusters.py`: mined blocks of queries whose own passages resemble each other -> `clusters.jsonl`.

In a block of eight, each query's passage is the hard negative of the others. `others` passages more compete with them:
the first ones in stage one's fused order among all passages of the source, which are the queries' own ones and the
negatives that the source lists. So 16 passages serve 128 pairs. Queries come from the permissive sources in turn.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray

import config
import encoder
from fused import fused
from sources import read_source

Pair = tuple[str, str, list[str]]
"""A query, its passage, and negatives that the source lists."""


def pairs_of(settings: dict[str, Any]) -> dict[str, list[Pair]]:
    """Return source -> its pairs in a fixed order, without the sources that serve judging."""
    pairs, listed = {}, settings["clusters"]["listed"]
    for name, most in settings["sources"].items():
        if name not in settings["judged"]["held"]:
            rng = random.Random(f"{settings['seed']}-{name}")
            rows = read_source(settings["data"] / f"{name}.jsonl.gz", settings["keep"].get(name), most, rng)
            pairs[name] = [(row["query"], row["positive"], row["listed"][:listed]) for row in rows]
    return pairs


def in_turn(sources: dict[str, list[Pair]], turns: dict[str, int]) -> Iterator[tuple[str, Pair]]:
    """Yield pairs of all sources, `turns` of each in its turn (1 if it is not named), until none is left."""
    places = dict.fromkeys(sources, 0)
    while any(places[name] < len(rows) for name, rows in sources.items()):
        for name, rows in sources.items():
            end = places[name] + turns.get(name, 1)
            yield from ((name, row) for row in rows[places[name] : end])
            places[name] = end


class Source:
    """The pairs of one source with their vectors and a BM25 index of its passages.

    The first passages are the queries' own ones, row by row. The listed negatives come after them.
    """

    def __init__(self, pairs: Sequence[Pair], window: int) -> None:
        self.queries, own = ([str(pair[side]) for pair in pairs] for side in (0, 1))
        listed = dict.fromkeys(text for pair in pairs for text in pair[2])
        self.passages = [*own, *(text for text in listed if text not in set(own))]
        tokenizer = encoder.tokenizer()
        self.query_vectors, self.passage_vectors = (
            encoder.embed(texts, tokenizer, window) for texts in (self.queries, self.passages)
        )
        self.stemmer, self.index = Stemmer.Stemmer("english"), bm25s.BM25()
        tokens = bm25s.tokenize(self.passages, stemmer=self.stemmer, show_progress=False)
        self.index.index(tokens, show_progress=False)

    def bm25(self, row: int) -> NDArray[np.float32]:
        """Return the scores of all passages for a query."""
        tokens = bm25s.tokenize([self.queries[row]], stemmer=self.stemmer, show_progress=False, return_ids=False)
        return self.index.get_scores(tokens[0])  # type: ignore[no-any-return]

    def order(self, row: int) -> NDArray[np.int64]:
        """Return all passages in stage one's fused order for a query."""
        return fused(self.passage_vectors @ self.query_vectors[row], self.bm25(row))

    def competitors(self, rows: list[int], count: int) -> list[int]:
        """Return the first passages of the queries' orders that are none of their own, the queries in turn."""
        texts = {self.passages[row] for row in rows}
        orders = [iter(self.order(row)[:60]) for row in rows]
        found: list[int] = []
        while len(found) < count and orders:
            for order in list(orders):
                at = next((int(at) for at in order if self.passages[at] not in texts), None)
                if at is None:
                    orders.remove(order)
                elif len(found) < count:
                    found.append(at)
                    texts.add(self.passages[at])
        return found

    def block(self, rows: list[int], options: dict[str, Any]) -> dict[str, Any]:
        """Return a row of the file. A pair is masked if the passage may be an unlabelled answer.

        "stage" is what a blend of stage one's signals says of each pair.
        """
        columns = [*rows, *self.competitors(rows, options["others"])]
        passages, own = self.passage_vectors[columns], self.passage_vectors[rows]
        cosines = self.query_vectors[rows] @ passages.T
        close = own @ passages.T > options["too_close"]
        likely = cosines > np.diag(cosines)[:, None] + options["margin"]
        masked = (close | likely) & ~np.eye(*cosines.shape, dtype=bool)
        scores = [self.bm25(row) for row in rows]
        shares = np.stack([one[columns] / max(one.max(), 1e-6) for one in scores])
        return {
            "queries": [self.queries[row] for row in rows],
            "passages": [self.passages[at] for at in columns],
            "masked": masked.astype(int).tolist(),
            "stage": (20 * cosines + 6 * shares).round(2).tolist(),
        }


def blocks_of(source: Source, options: dict[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    """Return blocks in which each query is at most once. A block of fewer than three queries is left out."""
    count = len(source.queries)
    free = np.ones(count, dtype=bool)
    blocks = []
    for row in rng.sample(range(count), count):
        if not free[row]:
            continue
        near = (int(at) for at in source.order(row) if at < count and free[at])
        others = (at for at in near if source.passages[at] != source.passages[row])
        chosen = [row, *(at for at, _ in zip(others, range(options["size"] - 1), strict=False))]
        free[chosen] = False
        if len(chosen) > 2:
            blocks.append(source.block(chosen, options))
    return blocks


def write(path: Path, sources: dict[str, list[Pair]], settings: dict[str, Any]) -> None:
    """Write the blocks of all sources."""
    partial, options = path.with_suffix(".part"), settings["clusters"]
    with partial.open("w", encoding="utf-8") as file:
        for name, pairs in sources.items():
            rng = random.Random(f"{settings['seed']}-{name}-clusters")
            blocks = blocks_of(Source(pairs, options["window"]), options, rng)
            file.writelines(json.dumps({**block, "source": name}, ensure_ascii=False) + "\n" for block in blocks)
            print(f"{name}: {len(pairs)} queries, {len(blocks)} blocks", flush=True)
    partial.rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=16000)
    arguments, settings = parser.parse_args(), config.load()
    chosen: dict[str, list[Pair]] = {}
    turns = in_turn(pairs_of(settings), settings["clusters"]["turns"])
    for (name, pair), _ in zip(turns, range(arguments.queries), strict=False):
        chosen.setdefault(name, []).append(pair)
    write(settings["work"] / "clusters.jsonl", chosen, settings)


if __name__ == "__main__":
    main()
