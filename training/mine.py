"""Step 1, `python training/mine.py`: raw pairs -> groups of one positive and hard negatives.

Negatives come from three places: those the source itself lists, BM25 and the bi-encoder, the last two
searched within the source's own passages. A mined passage that lies too close to the positive, or that
the bi-encoder places clearly above it, is dropped as a likely unlabelled answer.
"""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import bm25s
import numpy as np
import Stemmer

import config
import encoder
from mine_sources import read_source


def mine(groups: list[dict[str, Any]], settings: dict[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    """The groups with `negatives` and the bi-encoder's cosines; a group left without any negative is dropped."""
    options = settings["mine"]
    words = encoder.tokenizer()
    texts = sorted({text for g in groups for text in [g["positive"], *g["listed"][: options["listed"]]]})
    where = {text: i for i, text in enumerate(texts)}
    passages = encoder.embed(texts, words, options["window"])
    queries = encoder.embed([g["query"] for g in groups], words, 64)
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, stemmer=stemmer, show_progress=False), show_progress=False)
    depth = min(options["candidates"], len(texts))
    asked = bm25s.tokenize([g["query"] for g in groups], stemmer=stemmer, show_progress=False)
    lexical, _ = index.retrieve(asked, k=depth, show_progress=False)
    out = []
    for row, group in enumerate(groups):
        scores = passages @ queries[row]
        own = where[group["positive"]]
        dense = np.argsort(-scores)[:depth]
        closeness = passages @ passages[own]
        banned = {where[text] for text in group["also"] if text in where}
        listed = [where[text] for text in group["listed"][: options["listed"]]]
        mined = []
        for candidate in dict.fromkeys([*dense.tolist(), *lexical[row].tolist()]):
            if candidate in banned or candidate in listed or closeness[candidate] > options["too_close"]:
                continue
            if scores[candidate] <= scores[own] + options["margin"]:
                mined.append(candidate)
        hard = mined[:12]
        rng.shuffle(hard)
        picked = list(dict.fromkeys([*listed, *hard]))[: options["negatives"]]
        if picked:
            out.append(
                {
                    "query": group["query"],
                    "texts": [group["positive"], *(texts[i] for i in picked)],
                    "cosines": [round(float(scores[i]), 4) for i in [own, *picked]],
                }
            )
    return out


def main() -> None:
    settings = config.load()
    target = settings["work"] / "groups"
    target.mkdir(exist_ok=True)
    for name, limit in settings["sources"].items():
        done = target / f"{name}.jsonl.gz"
        if done.exists():
            continue
        rng = random.Random(f"{settings['seed']}-{name}")
        groups = read_source(settings["data"] / f"{name}.jsonl.gz", settings["keep"].get(name), limit, rng)
        mined = mine(groups, settings, rng)
        partial = done.with_suffix(".part")
        with gzip.open(partial, "wt", encoding="utf-8") as out:
            for group in mined:
                out.write(json.dumps({**group, "source": name}, ensure_ascii=False) + "\n")
        partial.rename(done)
        print(f"{name}: {len(mined)} groups of {len(groups)} queries", flush=True)


if __name__ == "__main__":
    main()
