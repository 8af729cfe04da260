"""Mined blocks: queries whose own passages resemble each other, so that each query's passage is the others' negative.

`python training/clusters.py --queries 20000` puts that many queries of the permissive sources and their passages into
the store, a source at a time in turn and without caps, and writes the blocks of all that the store holds. A block of
eight needs one passage's states a query. Run again with more queries, it goes on.
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
import torch
from numpy.typing import NDArray

import config
from blocks import Block
from fused import fused
from mine_sources import read_source
from reader import mean_state
from states import Store

Pair = tuple[str, str]


def pairs(settings: dict[str, Any]) -> dict[str, list[Pair]]:
    """Source -> its (query, passage) pairs in a fixed order; sources that serve judging are left out."""
    outside = set(settings["judged"]["held"])
    out = {}
    for name in settings["sources"]:
        if name not in outside:
            rng = random.Random(f"{settings['seed']}-{name}")
            rows = read_source(settings["data"] / f"{name}.jsonl.gz", settings["keep"].get(name), 10**9, rng)
            out[name] = [(row["query"], row["positive"]) for row in rows]
    return out


def in_turn(sources: dict[str, list[Pair]], shares: dict[str, int]) -> Iterator[tuple[str, Pair]]:
    """Pairs of all sources, `shares` of each in turn (1 where it is not named), until all are through."""
    places = dict.fromkeys(sources, 0)
    while any(places[name] < len(rows) for name, rows in sources.items()):
        for name, rows in sources.items():
            end = places[name] + shares.get(name, 1)
            yield from ((name, row) for row in rows[places[name] : end])
            places[name] = end


def blocks(rows: Sequence[Pair], store: Store, size: int, options: dict[str, Any], rng: random.Random) -> list[Block]:
    """Every query stands in one block, beside queries whose passages stage one likes for the block's first query."""
    queries, passages = ([row[column] for row in rows] for column in (0, 1))
    ours, theirs = (torch.stack([mean_state(store, text) for text in side]).numpy() for side in (queries, passages))
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25()
    index.index(bm25s.tokenize(passages, stemmer=stemmer, show_progress=False), show_progress=False)
    free = np.ones(len(rows), dtype=bool)
    out = []
    for row in rng.sample(range(len(rows)), len(rows)):
        if not free[row]:
            continue
        order = fused(theirs @ ours[row], index.get_scores(_tokens([queries[row]], stemmer)[0]))
        near = [int(at) for at in order if free[at] and at != row and passages[at] != passages[row]][: size - 1]
        chosen = [row, *near]
        free[chosen] = False
        if len(chosen) > 2:
            found = [index.get_scores(tokens) for tokens in _tokens([queries[at] for at in chosen], stemmer)]
            shares = np.stack([scores[chosen] / max(scores.max(), 1e-6) for scores in found])
            out.append(_block(chosen, queries, passages, ours[chosen], theirs[chosen], shares, options))
    return out


def _tokens(texts: list[str], stemmer: Stemmer.Stemmer) -> list[list[str]]:
    return bm25s.tokenize(texts, stemmer=stemmer, show_progress=False, return_ids=False)


def _block(
    rows: list[int],
    queries: list[str],
    passages: list[str],
    ours: NDArray[np.float32],
    theirs: NDArray[np.float32],
    shares: NDArray[np.float32],
    options: dict[str, Any],
) -> Block:
    """A pair is masked where the passage may be an unlabelled answer, by the rules of `mine.py`.

    "stage" is what the blend of stage one says of each pair.
    """
    cosines = ours @ theirs.T
    close = theirs @ theirs.T > options["too_close"]
    masked = (close | (cosines > np.diag(cosines)[:, None] + options["margin"])) & ~np.eye(len(rows), dtype=bool)
    return {
        "queries": [queries[row] for row in rows],
        "passages": [passages[row] for row in rows],
        "masked": masked.astype(int).tolist(),
        "stage": (20 * cosines + 6 * shares).round(2).tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, required=True)
    parser.add_argument("--minutes", type=float, default=1e9, help="of filling the store")
    asked, settings = parser.parse_args(), config.load()
    torch.set_num_threads(1)
    options = settings["reader"]
    store = Store(settings["work"] / options["store"], options["levels"], options["window"])
    sources = pairs(settings)
    turns = in_turn(sources, settings["clusters"]["turns"])
    wanted = [row for row, _ in zip((row for _, row in turns), range(asked.queries), strict=False)]
    store.fill([text for row in wanted for text in row], minutes=asked.minutes)
    write(settings["work"] / "clusters.jsonl", sources, store, settings)


def write(path: Path, sources: dict[str, list[Pair]], store: Store, settings: dict[str, Any]) -> None:
    """The blocks of everything that the store holds."""
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as out:
        for name, rows in sources.items():
            stored = [row for row in rows if row[0] in store and row[1] in store]
            rng = random.Random(f"{settings['seed']}-{name}-clusters")
            made = blocks(stored, store, settings["clusters"]["size"], settings["mine"], rng) if stored else []
            for block in made:
                out.write(json.dumps({**block, "source": name}, ensure_ascii=False) + "\n")
            print(f"{name}: {len(stored)} queries, {len(made)} blocks", flush=True)
    partial.rename(path)


if __name__ == "__main__":
    main()
