"""`python training/judge.py CHECKPOINT...`: held sources of the judged pools, by every score there is.

nDCG@5 over grades and "best first" (the passage in front has the pool's highest grade) for the cosine, the hybrid
order, the packaged reranker alone and with its default blend, and each checkpoint's running average; by query type.
Differences between two scores are paired over queries. What the packaged models say is kept in the work folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import config
import judged
from reader import Reader, Shape, units_of
from states import Store

Scores = dict[str, list[NDArray[np.float64]]]
"""Name of a score -> an array a query, over its pool's passages."""
PACKAGED = ("cosine", "hybrid", "v1 alone", "v1 default")


def load(path: Path, *, average: bool = True) -> Reader:
    """The model of a checkpoint, by its running average unless told otherwise."""
    kept = torch.load(path, map_location="cpu", weights_only=True)
    shape = {name: tuple(value) if isinstance(value, list) else value for name, value in kept["shape"].items()}
    model = Reader(Shape(**shape)).eval()
    model.load_state_dict({**kept["model"], **(kept["average"] if average else {})})
    return model.bfloat16()


@torch.inference_mode()
def logits(model: Reader, pools: Sequence[judged.Pool], store: Store, at_once: int = 12) -> list[NDArray[np.float64]]:
    """An array a query, in the order of pools and of queries within them."""
    out: list[NDArray[np.float64]] = []
    for start in range(0, len(pools), at_once):
        part = pools[start : start + at_once]
        made = model(units_of(part, store, model.shape)).double().numpy()
        at = 0
        for pool in part:
            queries, passages = len(pool["queries"]), len(pool["passages"])
            table = made[at : at + queries * passages].reshape(passages, queries).T
            out += list(table)
            at += queries * passages
    return out


def held_pools(settings: dict[str, Any], store: Store) -> list[judged.Pool]:
    """Pools of the sources that training never sees."""
    names = set(settings["judged"]["held"])
    return [
        pool
        for pool in judged.pools(judged.paths()[:1])
        if pool["source"] in names and all(text in store for text in [*pool["queries"], *pool["passages"]])
    ]


def packaged(pools: Sequence[judged.Pool]) -> Scores:
    """What stage one and the packaged reranker say; the index of a source holds its held passages."""
    from shortlist.indexes.embedded import EmbeddedEngine
    from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
    from shortlist.registry import fitted_weights, load_encoder, load_reranker
    from shortlist.retrievers.engine import Hybrid
    from shortlist.types import Passage

    encoder, reranker = load_encoder(BI_ENCODER), load_reranker(CROSS_ENCODER)
    weights = fitted_weights(BI_ENCODER, CROSS_ENCODER) or {}
    out: dict[tuple[str, str], dict[str, NDArray[np.float64]]] = {}
    for source in dict.fromkeys(pool["source"] for pool in pools):
        own = [pool for pool in pools if pool["source"] == source]
        texts = list(dict.fromkeys(text for pool in own for text in pool["passages"]))
        with tempfile.TemporaryDirectory() as folder:
            index = EmbeddedEngine().create(Path(folder), dimension=encoder.dimension)
            with contextlib.closing(index):
                index.add([Passage(text, text) for text in texts], encoder.encode_passages(texts))
                retriever = Hybrid(index, encoder)
                for pool in own:
                    for query in pool["queries"]:
                        hits = {hit.passage.id: hit for hit in retriever.retrieve(query, len(texts))}
                        found = [hits[text] for text in pool["passages"]]
                        logit = np.array(reranker.score(query, pool["passages"]), dtype=np.float64)
                        blend = sum(
                            weight * np.array([hit.signals.get(name, 0.0) for hit in found])
                            for name, weight in weights.items()
                        )
                        out[pool["passages"][0], query] = {
                            "cosine": np.array([hit.signals["dense"] for hit in found]),
                            "hybrid": np.array([hit.retrieval_score for hit in found]),
                            "share": np.array([hit.signals.get("bm25_share", 0.0) for hit in found]),
                            "v1 alone": logit,
                            "v1 default": logit + blend,
                        }
        print(f"packaged scores: {source}", flush=True)
    rows = [out[pool["passages"][0], query] for pool in pools for query in pool["queries"]]
    return {name: [row[name] for row in rows] for name in rows[0]}


def kept_packaged(pools: Sequence[judged.Pool], path: Path) -> Scores:
    """`packaged`, read from `path` where a run has written it."""
    if not path.exists():
        made = packaged(pools)
        names = [query for pool in pools for query in pool["queries"]]
        path.write_text(json.dumps({"queries": names, "scores": {n: [r.tolist() for r in v] for n, v in made.items()}}))
    kept = json.loads(path.read_text())
    if kept["queries"] != [query for pool in pools for query in pool["queries"]]:
        raise SystemExit(f"{path} belongs to other pools: remove it")
    return {name: [np.array(row) for row in rows] for name, rows in kept["scores"].items()}


def ndcg(scores: NDArray[np.float64], grades: NDArray[np.int64], depth: int = 5) -> float:
    """nDCG with gains of 2^grade - 1."""
    shares = 1 / np.log2(np.arange(2, depth + 2))
    gains = 2.0**grades - 1
    order, ideal = np.argsort(-scores, kind="stable")[:depth], np.sort(gains)[::-1][:depth]
    return float((gains[order] * shares[: len(order)]).sum() / (ideal * shares[: len(ideal)]).sum())


def measured(scores: list[NDArray[np.float64]], grades: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """`(queries, 2)`: nDCG@5, and 1 where a best passage stands first."""
    return np.array([[ndcg(s, g), float(g[int(np.argmax(s))] == g.max())] for s, g in zip(scores, grades, strict=True)])


def show(made: dict[str, NDArray[np.float64]], types: NDArray[np.str_], against: Sequence[str]) -> None:
    """A Markdown table by type, and paired differences of the last row to the rows in `against`."""
    print("| score | nDCG@5 | best first | a | b | c |\n|---|---|---|---|---|---|")
    for name, rows in made.items():
        cells = [f"{rows[types == kind, 1].mean():.3f}" for kind in ("a", "b", "c")]
        print(f"| {name} | {rows[:, 0].mean():.4f} | {rows[:, 1].mean():.3f} | " + " | ".join(cells) + " |")
    last = list(made)[-1]
    for name in against:
        if name in made and name != last:
            off = made[last] - made[name]
            error = off.std(0) / np.sqrt(len(off))
            print(
                f"{last} - {name}: nDCG@5 {off[:, 0].mean():+.4f} ± {error[0]:.4f}, "
                f"best first {off[:, 1].mean():+.3f} ± {error[1]:.3f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="*")
    parser.add_argument("--store", default="states")
    parser.add_argument("--last", action="store_true", help="last weights beside the running average")
    parser.add_argument("--no-packaged", action="store_true", help="the checkpoints alone")
    asked, settings = parser.parse_args(), config.load()
    torch.set_num_threads(1)
    store = Store(settings["work"] / asked.store, settings["reader"]["levels"], settings["reader"]["window"])
    pools = held_pools(settings, store)
    grades = [np.array(row) for pool in pools for row in pool["grades"]]
    types = np.array([kind for pool in pools for kind in pool["types"]])
    print(f"{len(pools)} pools, {len(grades)} queries")
    made = {}
    if not asked.no_packaged:
        kept = kept_packaged(pools, settings["work"] / f"packaged-{len(grades)}.json")
        made = {name: measured(kept[name], grades) for name in PACKAGED}
    for path in asked.checkpoints:
        made[path.stem] = measured(logits(load(path), pools, store), grades)
        if asked.last:
            made[f"{path.stem}, last"] = measured(logits(load(path, average=False), pools, store), grades)
    show(made, types, list(made)[:-1])


if __name__ == "__main__":
    main()
