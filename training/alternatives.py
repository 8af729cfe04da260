"""`python training/alternatives.py`: learned scorers, and rules that keep stage one's order, against the fixed weights.

Reads the file of `features.py`. Each scorer is fitted on all sources but one and measured on that one, in turn. A rule
may help if it finds queries that the default order makes worse: the mean change of the queries that it finds is then
below zero. Needs torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import config
import judged

Row = dict[str, Any]
Vector = NDArray[np.float64]
Score = Callable[[Row], Vector]

NEGATED = 0.07
WEIGHTS = ((40, 12), (4, 1.2), (8, 2.4), (12, 3.6), (20, 6), (30, 9), (60, 18), (80, 24))
"""Of the cosine and of the BM25 share: the packaged ones, and others in the same ratio."""
COLUMNS = ("logit", "softplus", "early", "dense", "share", "bm25", "length")
SCORERS: dict[str, tuple[str, ...]] = {
    "logit, dense, share": ("logit", "dense", "share"),
    "and BM25": ("logit", "dense", "share", "bm25"),
    "and the early exits": ("logit", "early", "dense", "share"),
    "and a softplus": ("logit", "softplus", "dense", "share"),
    "and the length": ("logit", "dense", "share", "length"),
    "and cues of the query": ("logit", "dense", "share", "cues"),
    "everything": (*COLUMNS, "cues"),
}
LEADS = (0.2, 0.5, 1.0, 2.0, 3.0)
EXPECTED = (-0.02, -0.01, 0.0, 0.005)


def read() -> list[Row]:
    """Return the lines with an answer, with arrays."""
    path = config.load()["work"] / "features.jsonl"
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    arrays = ("grades", "hybrid", "signals", "words", "logits")
    return [row | {name: np.array(row[name]) for name in arrays} for row in rows if any(row["grades"])]


def hybrid(row: Row) -> Vector:
    return row["hybrid"]  # type: ignore[no-any-return]


def logit(row: Row) -> Vector:
    return row["logits"][-1]  # type: ignore[no-any-return]


def fixed(dense: float, share: float) -> Score:
    """Return the final score with these weights, as `search/blend.py` computes it."""

    def score(row: Row) -> Vector:
        part = row["signals"][:, 0] * dense + row["signals"][:, 2] * share
        return logit(row) + part * (NEGATED if row["negated"] else 1.0)

    return score


def quality(row: Row, score: Score) -> float:
    return judged.ndcg(score(row), row["grades"], row["depth"])


def of_sources(rows: list[Row], score: Score) -> dict[str, float]:
    """Return source -> mean nDCG."""
    table: dict[str, list[float]] = {}
    for row in rows:
        table.setdefault(row["source"], []).append(quality(row, score))
    return {source: float(np.mean(values)) for source, values in table.items()}


def columns(row: Row, names: tuple[str, ...]) -> Vector:
    """Return `(passages, features)` of the named features; "cues" multiplies logit, dense and share by each cue.

    The cues of a query are the logarithm of its words, a question mark at its end, and whether it excludes something.
    """
    dense, bm25, share = row["signals"].T
    table: Mapping[str, list[Vector]] = {
        "logit": [logit(row)],
        "softplus": [np.logaddexp(0, logit(row))],
        "early": list(row["logits"][:-1]),
        "dense": [10 * dense],
        "share": [10 * share],
        "bm25": [bm25 / 5],
        "length": [np.log1p(row["words"])],
    }
    cues = (np.log(len(row["query"].split())), float(row["query"].rstrip().endswith("?")), float(row["negated"]))
    crossed = [cue * table[name][0] for cue in cues for name in ("logit", "dense", "share")]
    chosen = [column for name in names for column in (crossed if name == "cues" else table[name])]
    return np.stack(chosen, 1)


def fitted(rows: list[Row], tables: list[Vector], penalty: float = 1e-3) -> Vector:
    """Return the weights of the smallest listwise loss. Each source counts the same."""
    size, width = max(len(table) for table in tables), tables[0].shape[1]
    features, targets = torch.zeros(len(rows), size, width), torch.zeros(len(rows), size)
    masked = torch.full((len(rows), size), -1e4)
    counts = {row["source"]: 0 for row in rows}
    for number, (row, table) in enumerate(zip(rows, tables, strict=True)):
        gains = 2.0 ** row["grades"] - 1
        features[number, : len(table)] = torch.tensor(table, dtype=torch.float32)
        targets[number, : len(table)] = torch.tensor(gains / gains.sum(), dtype=torch.float32)
        masked[number, : len(table)] = 0
        counts[row["source"]] += 1
    share = torch.tensor([1 / counts[row["source"]] for row in rows])
    weights = torch.zeros(width, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=150)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        losses = -(targets * torch.log_softmax(features @ weights + masked, -1)).sum(-1)
        loss = (losses * share).sum() / share.sum() + penalty * (weights**2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return weights.detach().numpy()  # type: ignore[no-any-return]


def learned(rows: list[Row], names: tuple[str, ...]) -> Score:
    """Return the score of a linear scorer, for each source with the weights of the other sources."""
    tables = [columns(row, names) for row in rows]
    together = np.concatenate(tables)
    tables = [(table - together.mean(0)) / together.std(0) for table in tables]
    groups = [row["source"].partition(",")[0] for row in rows]
    scores: dict[int, Vector] = {}
    for group in dict.fromkeys(groups):
        others = [number for number, own in enumerate(groups) if own != group]
        weights = fitted([rows[number] for number in others], [tables[number] for number in others])
        scores |= {id(rows[n]): tables[n] @ weights for n, own in enumerate(groups) if own == group}
    return lambda row: scores[id(row)]


def print_row(name: str, means: Mapping[str, float]) -> None:
    cells = " | ".join(f"{value:.3f}" for value in means.values())
    print(f"| {name} | {cells} | {np.mean(list(means.values())):.4f} |", flush=True)


def print_scorers(rows: list[Row]) -> None:
    """Print nDCG of each scorer by source, and the mean of the sources."""
    print(f"| score | {' | '.join(of_sources(rows, hybrid))} | mean |")
    print_row("hybrid", of_sources(rows, hybrid))
    print_row("logit", of_sources(rows, logit))
    for dense, share in WEIGHTS:
        print_row(f"{dense}, {share}", of_sources(rows, fixed(dense, share)))
    for name, features in SCORERS.items():
        print_row(name, of_sources(rows, learned(rows, features)))


def clues(row: Row) -> list[float]:
    """What a rule could see before it chooses: the query's length, both stages' best scores, and how they differ."""
    score, first = fixed(*WEIGHTS[0])(row), logit(row)
    cosines, logits = np.sort(row["signals"][:, 0])[::-1], np.sort(first)[::-1]
    lead = score.max() - score[int(np.argmax(row["hybrid"]))]
    spread = [logits[0], logits[0] - logits[1], first.std(), cosines[0], cosines[0] - cosines[1]]
    return [len(row["query"].split()), *spread, row["signals"][:, 2].max(), float(row["negated"]), lead]


def print_rules(rows: list[Row]) -> None:
    """Print what the queries gain that each rule would leave in stage one's order."""
    change = np.array([quality(row, fixed(*WEIGHTS[0])) - quality(row, hybrid) for row in rows])
    print(f"default against hybrid: worse {(change < 0).mean():.3f}, better {(change > 0).mean():.3f} of the queries")
    table = np.array([clues(row) for row in rows])

    def show(name: str, found: NDArray[np.bool_]) -> None:
        if found.any():
            worse = (change[found] < 0).mean()
            print(f"{name}: {found.mean():.3f} of the queries, change {change[found].mean():+.4f}, worse {worse:.3f}")

    for most in LEADS:
        show(f"another passage first, by less than {most}", (table[:, -1] > 0) & (table[:, -1] < most))
    features = np.c_[(table - table.mean(0)) / table.std(0), np.ones(len(table))]
    groups = np.array([row["source"].partition(",")[0] for row in rows])
    expected = np.zeros(len(rows))
    for group in dict.fromkeys(groups):
        own, others = features[groups == group], features[groups != group]
        ridge = others.T @ others + 5 * np.eye(features.shape[1])
        expected[groups == group] = own @ np.linalg.solve(ridge, others.T @ change[groups != group])
    for most in EXPECTED:
        show(f"regression expects a change below {most}", expected < most)


def main() -> None:
    rows = read()
    print_scorers(rows)
    print_rules(rows)


if __name__ == "__main__":
    main()
