"""`python training/fit.py`: chooses the blend with stage one, and fits the drop rule of progressive reranking.

Runs in the package's own environment. The blend is measured on queries of sources that training did not use: mined
queries over the passages of their source (pools of 50 by hybrid, nDCG@10), and the held sources of the judged pools
(nDCG@5). The rule is fitted on the first kind. No evaluation set is read. Writes blend.json and drop.json, and prints
the `[export]` numbers that make the sigmoid of a logit a probability.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import config
import judged
import stage_one
from shortlist import CrossEncoder
from shortlist.evaluation.calibration.platt import fit_platt
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, ROOT, write_manifest
from shortlist.rerankers.progressive import NAMES, DropRule
from shortlist.text.negation import is_negated
from shortlist.types import Passage
from sources import read_source

QUERIES, CORPUS, POOL = 40, 700, 50
DENSE = (0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 40.0)
WORDS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
NEGATED = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.0)
"""Factors of both weights for a query with a negation."""
SHARES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25)
"""A share of 0.2 passed, too, on these queries with one answer each. It is too little if many passages are relevant."""
ENTERING = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4)
"""Shares of a pool of 50 that are scored at all; below 0.4, early exits have almost nothing left to drop."""
LEAST = 10
ALLOWED_LOSS = 0.0025
"""Half of the 0.5 % that progressive reranking may lose: the rule must hold on queries that it was not fitted on."""
EXITS: tuple[int, ...] = tuple(config.load()["model"]["exits"])
LAYERS = [last - before - 0.7 * (last == EXITS[-1]) for before, last in zip((0, *EXITS), EXITS, strict=False)]
"""Cost of each stage in layers. The last layer is cheap, because only the first row of each pair leaves it."""


Weights = tuple[float, float, float]
"""dense, bm25_share, and the factor for a query with a negation."""


@dataclass(frozen=True)
class Pool:
    """One query's pool: `(exits, n)` logits, `(n, 2)` stage-one signals, and what is relevant."""

    logits: NDArray[np.float32]
    signals: NDArray[np.float32]
    grades: NDArray[np.int64]  # 1 for an answer of a mined query
    negated: bool

    def scores(self, weights: Weights, row: int = -1) -> NDArray[np.float32]:
        """Return the final scores with the logits of an exit."""
        dense, words, factor = weights
        share = np.array([dense, words]) * (factor if self.negated else 1.0)
        return self.logits[row] + self.signals @ share  # type: ignore[no-any-return]


def judged_pools(settings: dict[str, Any], every: int) -> list[Pool]:
    """Return every `every`-th judged pool of the held sources."""
    pools, reranker = judged.held_pools(settings)[::every], CrossEncoder()
    signals = iter(stage_one.signals(pools))
    return [
        Pool(
            every_exit(reranker, query, pool["passages"]),
            next(signals)[:, : len(stage_one.SIGNALS)].astype(np.float32),
            np.array(grades),
            is_negated(query),
        )
        for pool in pools
        for query, grades in zip(pool["queries"], pool["grades"], strict=True)
    ]


def mined_groups(name: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the mined queries of a source that training did not use, with their answers."""
    rng = random.Random(f"{settings['seed']}-{name}-fit")
    return read_source(settings["data"] / f"{name}.jsonl.gz", settings["keep"].get(name), CORPUS, rng)


def mined_pools(name: str, settings: dict[str, Any], queries: int) -> list[Pool]:
    """Return the pools, in stage one's order, of mined queries of a source that training did not use."""
    groups = mined_groups(name, settings)
    passages = {group["positive"]: Passage(str(number), group["positive"]) for number, group in enumerate(groups)}
    reranker, pools = CrossEncoder(), []
    with stage_one.hybrid(list(passages.values())) as retriever:
        for group in groups[:queries]:
            hits = retriever.retrieve(group["query"], POOL)
            logits = every_exit(reranker, group["query"], [hit.passage.content for hit in hits])
            signals = [[hit.signals.get(name, 0.0) for name in stage_one.SIGNALS] for hit in hits]
            answers = np.array([int(hit.passage.content in group["also"]) for hit in hits])
            pools.append(Pool(logits, np.array(signals, dtype=np.float32), answers, is_negated(group["query"])))
    return pools


def every_exit(reranker: CrossEncoder, query: str, texts: list[str]) -> NDArray[np.float32]:
    """Return `(exits, len(texts))` logits."""
    scoring, _ = reranker.begin(query, texts)
    rows = [scoring.logits.copy()]
    while not scoring.done:
        scoring.advance(range(len(texts)))
        rows.append(scoring.logits.copy())
    return np.stack(rows)


def graded(pools: list[Pool], weights: Weights) -> tuple[float, float]:
    """Return the mean nDCG@5 over grades, and the share of queries whose best passage comes first."""
    scores = [pool.scores(weights) for pool in pools]
    rows = [
        (judged.ndcg(row, pool.grades, 5), pool.grades[int(np.argmax(row))] == pool.grades.max())
        for row, pool in zip(scores, pools, strict=True)
    ]
    mean, first = np.mean(rows, axis=0)
    return float(mean), float(first)


def blended(pools: list[Pool], weights: Weights) -> float:
    """Return the mean nDCG@10 of the last exit's logits with stage one's part."""
    return float(np.mean([judged.ndcg(pool.scores(weights), pool.grades, 10) for pool in pools]))


def dropped(pools: list[Pool], weights: Weights, rule: DropRule) -> float:
    """Return the mean nDCG@10 under the drop rule."""
    total = 0.0
    for pool in pools:
        exits = len(pool.logits)
        scores = np.stack([pool.scores(weights, number) for number in range(exits)])
        prior = scores[-1] - pool.logits[-1]
        rows = np.argsort(-prior, kind="stable")[: rule.entered(len(prior))]
        for number in range(len(rule.share)):
            rows = rows[np.argsort(-scores[number][rows], kind="stable")]
            rows = rows[: rule.kept(scores.shape[1], number)]
        final = np.full(len(prior), -np.inf)
        final[rows] = scores[-1][rows]
        total += judged.ndcg(final, pool.grades, 10)
    return total / len(pools)


def losses(pools: dict[str, list[Pool]], weights: Weights, rule: DropRule) -> dict[str, float]:
    """Return source -> the share of nDCG@10 that the rule loses."""
    return {name: 1 - dropped(own, weights, rule) / blended(own, weights) for name, own in pools.items()}


def fit_rule(pools: dict[str, list[Pool]], weights: Weights, entering: tuple[float, ...]) -> DropRule:
    """Return the cheapest rule that loses at most `ALLOWED_LOSS` on the source that suffers most."""
    early = len(EXITS) - 1
    best, least_cost = DropRule((1.0,) * early, LEAST), np.inf
    for enter, *shares in itertools.product(entering, *[SHARES] * early):
        if shares != sorted(shares, reverse=True) or shares[0] > enter:
            continue
        rule = DropRule(tuple(shares), LEAST, enter)
        texts = [rule.entered(POOL), *(rule.kept(POOL, number) for number in range(early))]
        cost = sum(layers * count for layers, count in zip(LAYERS, texts, strict=True)) / POOL
        if cost < least_cost and (loss := max(losses(pools, weights, rule).values())) <= ALLOWED_LOSS:
            best, least_cost = rule, cost
            print(f"rule {enter}, {rule.share}: loss at most {loss:+.4f}, {cost / sum(LAYERS):.2f} of the layers")
    return best


def print_zero(pools: dict[str, list[Pool]], settings: dict[str, Any]) -> None:
    """Print the `[export]` numbers that make the sigmoid of the last exit's logit a probability on these queries."""
    everything = [pool for own in pools.values() for pool in own]
    logits = np.concatenate([pool.logits[-1] for pool in everything]).astype(np.float64)
    answers = np.concatenate([pool.grades for pool in everything]).astype(np.float64)
    slope, offset = fit_platt(logits, answers)
    now = settings["export"]
    print(f"[export] slope = {slope * now['slope']:.4f}, offset = {slope * now['offset'] + offset:.4f}")


def print_exits(name: str, pools: list[Pool]) -> None:
    """Print hybrid's nDCG@10 and that of the logits alone by exit."""
    hybrid = np.mean([judged.ndcg(-np.arange(len(pool.grades)), pool.grades, 10) for pool in pools])
    exits = [np.mean([judged.ndcg(pool.logits[row], pool.grades, 10) for pool in pools]) for row in range(len(EXITS))]
    print(f"{name}: hybrid {hybrid:.4f}, logits alone by exit {', '.join(f'{mean:.4f}' for mean in exits)}", flush=True)


def print_blends(pools: dict[str, list[Pool]], graded_pools: list[Pool]) -> None:
    """Print both measures for every pair of weights, then for every factor at the pair with the largest sum of them."""
    table: dict[Weights, tuple[float, float, float]] = {}

    def measure(weights: Weights) -> None:
        mined = float(np.mean([blended(own, weights) for own in pools.values()]))
        table[weights] = (mined, *graded(graded_pools, weights))

    for dense, words in itertools.product(DENSE, WORDS):
        measure((dense, words, 1.0))
    for column, title in enumerate(("mined queries, nDCG@10", "judged pools, nDCG@5", "best first")):
        print(f"{title}: columns bm25_share {', '.join(f'{words:g}' for words in WORDS)}")
        for dense in DENSE:
            print(f"  dense {dense:5g}: " + "  ".join(f"{table[dense, words, 1.0][column]:.4f}" for words in WORDS))
    for weights in itertools.product(DENSE, WORDS, NEGATED):
        measure(weights)
    best = max(table, key=lambda weights: table[weights][0] + table[weights][1])
    for factor in NEGATED:
        print(f"  factor {factor}: {table[best[0], best[1], factor]}")
    print(f"best by the sum of both nDCG: dense, bm25_share, factor {best}: {table[best]}", flush=True)


def save(name: str, value: object) -> None:
    (ROOT / CROSS_ENCODER / name).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=QUERIES, help="mined queries of each source")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th judged pool")
    arguments, settings = parser.parse_args(), config.load()
    pools = {}
    for name in settings["fit"]["sources"]:
        pools[name] = mined_pools(name, settings, arguments.queries)
        print_exits(name, pools[name])
    print_blends(pools, judged_pools(settings, arguments.every))
    blend = settings["blend"]
    chosen = (blend["dense"], blend["bm25_share"], blend["negated"])
    print(f"in use: {chosen}: {np.mean([blended(own, chosen) for own in pools.values()]):.4f}")
    save("blend.json", {BI_ENCODER: blend})
    blend_rule, alone = fit_rule(pools, chosen, ENTERING), DropRule(tuple(settings["drop"]["alone"]), LEAST)
    fit_rule(pools, (0.0, 0.0, 1.0), (1.0,))
    loss = {name: round(value, 4) for name, value in losses(pools, (0.0, 0.0, 1.0), alone).items()}
    print(f"by the logits alone, in use: {alone.share}: loss {loss}")
    print_zero(pools, settings)
    save("drop.json", {name: asdict(rule) for name, rule in zip(NAMES, (blend_rule, alone), strict=True)})
    write_manifest(ROOT / CROSS_ENCODER)


if __name__ == "__main__":
    main()
