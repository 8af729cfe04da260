"""Step 4, `python training/fit.py`: measures blends with stage one, and fits the drop rule of progressive reranking.

Runs in the package's own environment. The queries are training-source queries that training did not use; the
corpus is their own passages and others of the same source. No evaluation set is read.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import config
from mine_sources import read_source
from shortlist import CrossEncoder
from shortlist.evaluation.calibration.platt import fit_platt
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, ROOT, write_manifest
from shortlist.registry import load_encoder
from shortlist.rerankers.progressive import NAMES, DropRule
from shortlist.retrievers.engine import Hybrid
from shortlist.types import Passage

SOURCES = ("docs_sections", "lfrqa", "medquad", "selqa")
QUERIES, CORPUS, POOL = 40, 1000, 50
DENSE = (0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
WORDS = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
SHARES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25)
"""A fifth passed as well on these queries, which have one answer each; with many relevant passages it would be thin."""
ENTERING = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4)
"""Shares of a pool of 50 that are read at all; below .4 early exits would have next to nothing left to drop."""
LEAST = 10
ALLOWED_LOSS = 0.0025
"""Half of the .5 % that progressive reranking may lose: the rule has to hold on queries that it was not fitted on."""


@dataclass(frozen=True)
class Pool:
    """One query's pool in stage one's order: `(exits, n)` logits, `(n, 2)` stage-one signals, the answer's place."""

    logits: NDArray[np.float32]
    signals: NDArray[np.float32]
    answer: int | None


def pools(name: str, settings: dict[str, Any]) -> list[Pool]:
    """The pools of unseen queries of one source."""
    rng = random.Random(f"{settings['seed']}-{name}")
    used = settings["sources"][name]
    groups = read_source(settings["data"] / f"{name}.jsonl.gz", settings["keep"].get(name), used + CORPUS, rng)[used:]
    passages = {group["positive"]: Passage(str(i), group["positive"]) for i, group in enumerate(groups)}
    encoder, reranker = load_encoder(BI_ENCODER), CrossEncoder(precision="exact")
    out = []
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedEngine().create(Path(folder), dimension=encoder.dimension)
        with contextlib.closing(index):
            held = list(passages.values())
            for start in range(0, len(held), 512):
                part = held[start : start + 512]
                index.add(part, encoder.encode_passages([one.content for one in part]))
            retriever = Hybrid(index, encoder)
            for group in groups[:QUERIES]:
                hits = retriever.retrieve(group["query"], POOL)
                logits = every_exit(reranker, group["query"], [hit.passage.content for hit in hits])
                signals = [[hit.signals.get(key, 0.0) for key in ("dense", "bm25_share")] for hit in hits]
                ids = [hit.passage.id for hit in hits]
                answer = passages[group["positive"]].id
                place = ids.index(answer) if answer in ids else None
                out.append(Pool(logits, np.array(signals, dtype=np.float32), place))
    return out


def every_exit(reranker: CrossEncoder, query: str, texts: list[str]) -> NDArray[np.float32]:
    """`(exits, len(texts))` logits."""
    scoring, _ = reranker.begin(query, texts)
    rows = [scoring.logits.copy()]
    while not scoring.done:
        scoring.advance(range(len(texts)))
        rows.append(scoring.logits.copy())
    return np.stack(rows)


def gain(order: NDArray[np.int64], answer: int | None) -> float:
    """nDCG@10 of one order with one relevant passage."""
    found = np.flatnonzero(order[:10] == answer) if answer is not None else []
    return float(1 / np.log2(found[0] + 2)) if len(found) else 0.0


def blended(held: list[Pool], weights: tuple[float, float]) -> float:
    """Mean nDCG@10 of the last exit's logits with stage one's share."""
    share = np.array(weights)
    return float(
        np.mean([gain(np.argsort(-(p.logits[-1] + p.signals @ share), kind="stable"), p.answer) for p in held])
    )


def dropped(held: list[Pool], weights: tuple[float, float], rule: DropRule) -> float:
    """Mean nDCG@10 under the drop rule."""
    total = 0.0
    for pool in held:
        prior = pool.signals @ np.array(weights)
        scores = pool.logits + prior
        going = np.argsort(-prior, kind="stable")[: rule.entered(len(prior))]
        for number in range(len(rule.share)):
            going = going[np.argsort(-scores[number][going], kind="stable")]
            going = going[: rule.kept(scores.shape[1], number)]
        total += gain(going[np.argsort(-scores[-1][going], kind="stable")], pool.answer)
    return total / len(held)


def fit_rule(found: dict[str, list[Pool]], weights: tuple[float, float], entering: tuple[float, ...]) -> DropRule:
    """The cheapest rule that loses at most `ALLOWED_LOSS` of the exact mean nDCG@10 on the source that suffers most."""
    exact = {name: blended(held, weights) for name, held in found.items()}
    best, least_cost = DropRule((1.0, 1.0), LEAST), np.inf
    for enter, first, second in itertools.product(entering, SHARES, SHARES):
        if not second <= first <= enter:
            continue
        rule = DropRule((first, second), LEAST, enter)
        loss = max(1 - dropped(held, weights, rule) / exact[name] for name, held in found.items())
        layers = (2, 2, 1.3)  # the last one is cheap: only the first row of each pair leaves it
        going = (rule.entered(POOL), rule.kept(POOL, 0), rule.kept(POOL, 1))
        cost = sum(one * texts / POOL for one, texts in zip(layers, going, strict=True))
        if loss <= ALLOWED_LOSS and cost < least_cost:
            best, least_cost = rule, cost
            print(f"rule {enter}, {rule.share}: loss at most {loss:+.4f}, {cost / sum(layers):.2f} of the layers")
    return best


def zero(found: dict[str, list[Pool]], settings: dict[str, Any]) -> None:
    """Prints the `[export]` numbers that make the sigmoid of the last exit's logit a probability on these queries."""
    everything = [pool for held in found.values() for pool in held]
    logits = np.concatenate([pool.logits[-1] for pool in everything]).astype(np.float64)
    answers = np.concatenate([np.arange(pool.logits.shape[1]) == pool.answer for pool in everything])
    slope, offset = fit_platt(logits, answers.astype(np.float64))
    held = settings["export"]
    print(f"[export] slope = {slope * held['slope']:.4f}, offset = {slope * held['offset'] + offset:.4f}")


def save(name: str, value: object) -> None:
    (ROOT / CROSS_ENCODER / name).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    settings = config.load()
    found = {}
    for name in SOURCES:
        held = found[name] = pools(name, settings)
        base = np.mean([gain(np.arange(len(p.signals)), p.answer) for p in held])
        exits = [
            float(np.mean([gain(np.argsort(-p.logits[number], kind="stable"), p.answer) for p in held]))
            for number in range(len(held[0].logits))
        ]
        print(f"{name}: hybrid {base:.4f}, logits alone by exit {[round(one, 4) for one in exits]}", flush=True)
    table = {(d, w): float(np.mean([blended(held, (d, w)) for held in found.values()])) for d in DENSE for w in WORDS}
    for d in DENSE:
        print(f"dense {d:5g}: " + "  ".join(f"{table[d, w]:.4f}" for w in WORDS))
    best = max(table, key=lambda pair: table[pair])
    print(f"best: dense {best[0]:g}, bm25_share {best[1]:g}: {table[best]:.4f}")
    chosen = (settings["blend"]["dense"], settings["blend"]["bm25_share"])
    print(f"in use: {chosen}: {np.mean([blended(held, chosen) for held in found.values()]):.4f}")
    save("blend.json", {BI_ENCODER: {"dense": chosen[0], "bm25_share": chosen[1]}})
    beside, alone = fit_rule(found, chosen, ENTERING), DropRule(tuple(settings["drop"]["alone"]), LEAST)
    fit_rule(found, (0.0, 0.0), (1.0,))
    loss = {
        name: round(1 - dropped(held, (0.0, 0.0), alone) / blended(held, (0.0, 0.0)), 4) for name, held in found.items()
    }
    print(f"by the logits alone, in use: {alone.share}: loss {loss}")
    zero(found, settings)
    save("drop.json", {name: asdict(rule) for name, rule in zip(NAMES, (beside, alone), strict=True)})
    write_manifest(ROOT / CROSS_ENCODER)


if __name__ == "__main__":
    main()
