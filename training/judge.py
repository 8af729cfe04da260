"""`python training/judge.py CHECKPOINT...`: measures checkpoints on pools and cards that training never sees.

Held sources of the judged pools: nDCG@5 over grades, and the share of queries whose first passage has the highest grade
of the pool ("best first"), by query type. Held frames and edits: the share of cards of which each query prefers its own
passage, by kind; chance is 25 %. The tables show each checkpoint by its early and its last exit, the cosine, the hybrid
order, and the packaged reranker alone and with its default blend. Differences to the last row are paired over queries.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import config
import contrast
import edits
import judged
import stage_one
from pairs import EXITS, PairEncoder, PairTokenizer, batch_of, load

Scores = list[NDArray[np.float64]]
"""An array for each query of each pool, over the pool's passages."""


def held_frames(settings: dict[str, Any]) -> list[judged.Pool]:
    """Return a pool of two passages and two queries for each held frame, with its kind as both types."""
    frames = contrast.read_frames(settings["contrast"] / "held_frames.txt")
    cards = contrast.different(contrast.cards_of(frames, settings["seed"]), 1)
    return [_pool_of("held frames", card) for card in cards]


def held_edits(settings: dict[str, Any]) -> list[judged.Pool]:
    """Return a pool of two passages and two queries for each held edit."""
    return [_pool_of("held edits", card) for card in edits.cards(settings, edits.HELD)]


def _pool_of(source: str, card: contrast.Card) -> judged.Pool:
    return {
        "source": source,
        "passages": [card["a"], card["b"]],
        "queries": [card["query_a"], card["query_b"]],
        "types": [card["kind"]] * 2,
        "grades": [[3, 0], [0, 3]],
    }


@torch.inference_mode()
def scores_of(model: PairEncoder, pools: Sequence[judged.Pool], tokenizer: PairTokenizer) -> list[Scores]:
    """Return the scores by each exit."""
    scores: list[Scores] = [[] for _ in EXITS]
    for start in range(0, len(pools), 20):
        part = pools[start : start + 20]
        logits, at = model(batch_of(part, tokenizer)).double().numpy(), 0
        for pool in part:
            queries, passages = len(pool["queries"]), len(pool["passages"])
            for exit_scores, row in zip(scores, logits, strict=True):
                exit_scores += list(row[at : at + queries * passages].reshape(passages, queries).T)
            at += queries * passages
    return scores


def baselines(pools: Sequence[judged.Pool], *, reranker: bool) -> dict[str, Scores]:
    """Return the scores of stage one and, with `reranker`, of the packaged reranker."""
    from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
    from shortlist.registry import fitted_weights, load_reranker
    from shortlist.search.order import weights_for

    signals = stage_one.signals(pools)
    scores = {"cosine": [table[:, 0] for table in signals], "hybrid": [table[:, -1] for table in signals]}
    if reranker:
        packaged, weights = load_reranker(CROSS_ENCODER), fitted_weights(BI_ENCODER, CROSS_ENCODER)
        queries = [(query, pool["passages"]) for pool in pools for query in pool["queries"]]
        logits = [np.array(packaged.score(query, passages)) for query, passages in queries]
        shares = [weights_for(query, weights) for query, _ in queries]
        scores[f"{CROSS_ENCODER} alone"] = logits
        scores[f"{CROSS_ENCODER} default"] = [
            logit + table[:, : len(stage_one.SIGNALS)] @ [share.get(name, 0.0) for name in stage_one.SIGNALS]
            for logit, table, share in zip(logits, signals, shares, strict=True)
        ]
    return scores


def measured(scores: Scores, pools: Sequence[judged.Pool]) -> NDArray[np.float64]:
    """Return `(queries, 2)`: nDCG@5, and 1 if a best passage comes first."""
    grades = [np.array(row) for pool in pools for row in pool["grades"]]
    return np.array(
        [[judged.ndcg(s, g, 5), float(g[int(np.argmax(s))] == g.max())] for s, g in zip(scores, grades, strict=True)]
    )


def both_right(scores: Scores) -> NDArray[np.float64]:
    """Return 1 for each card of which both queries prefer their own passage."""
    cards = zip(scores[::2], scores[1::2], strict=True)
    return np.array([float(first[0] > first[1] and second[1] > second[0]) for first, second in cards])


def pool_table(rows: dict[str, NDArray[np.float64]], types: NDArray[np.str_]) -> list[str]:
    """Return a Markdown table by type, and paired differences of the last row to the others."""
    lines = ["| score | nDCG@5 | best first | a | b | c |", "|---|---|---|---|---|---|"]
    for name, table in rows.items():
        by_type = [f"{table[types == kind, 1].mean():.3f}" for kind in ("a", "b", "c")]
        cells = [name, f"{table[:, 0].mean():.4f}", f"{table[:, 1].mean():.3f}", *by_type]
        lines.append(f"| {' | '.join(cells)} |")
    *others, last = rows
    for name in others:
        off = rows[last] - rows[name]
        mean, error = off.mean(0), off.std(0) / np.sqrt(len(off))
        ndcg5, first = (f"{mean[column]:+.4f} ± {error[column]:.4f}" for column in (0, 1))
        lines.append(f"{last} - {name}: nDCG@5 {ndcg5}, best first {first}")
    return lines


def frame_table(rows: dict[str, NDArray[np.float64]], kinds: NDArray[np.str_]) -> list[str]:
    """Return a Markdown table of the shares of cards that are right, by kind."""
    names = sorted(set(kinds.tolist()))
    lines = [f"| score | all | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for name, right in rows.items():
        cells = [f"{right.mean():.3f}", *(f"{right[kinds == kind].mean():.2f}" for kind in names)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def every_score(pools: list[judged.Pool], arguments: argparse.Namespace) -> dict[str, Scores]:
    """Return the scores of the baselines and of each checkpoint, under the names of the tables."""
    scores = baselines(pools, reranker=not arguments.no_packaged)
    tokenizer = PairTokenizer()
    for path in arguments.checkpoints:
        for average in (False, True) if arguments.last else (True,):
            model = load(path, average=average).bfloat16()
            for level, exit_scores in zip(EXITS, scores_of(model, pools, tokenizer), strict=True):
                scores[f"{path.stem}{'' if average else ', last weights'}, exit {level}"] = exit_scores
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="*")
    parser.add_argument("--last", action="store_true", help="also the last weights, next to the running average")
    parser.add_argument("--no-packaged", action="store_true", help="leave out the packaged reranker")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th pool of the held sources")
    arguments, settings = parser.parse_args(), config.load()
    torch.set_num_threads(1)
    pools = judged.held_pools(settings)[:: arguments.every]
    types = np.array([kind for pool in pools for kind in pool["types"]])
    print(f"held sources: {len(pools)} pools, {len(types)} queries", flush=True)
    rows = {name: measured(scores, pools) for name, scores in every_score(pools, arguments).items()}
    print("\n".join(pool_table(rows, types)), flush=True)
    for cards in (held_frames(settings), held_edits(settings)):
        kinds = np.array([pool["types"][0] for pool in cards])
        print(f"{cards[0]['source']}: {len(cards)}", flush=True)
        rows = {name: both_right(scores) for name, scores in every_score(cards, arguments).items()}
        print("\n".join(frame_table(rows, kinds)), flush=True)


if __name__ == "__main__":
    main()
