"""Whether the adaptive pool keeps its guarantee: `python benchmarks/adaptive.py --cache FOLDER [--sets ...]`.

Each set's largest pool is scored once and kept in FOLDER/NAME.jsonl, query by query. Stop the script at any moment: the
same command continues, and with more queries it scores only the new ones. With `--tuned`, the pools that tuning.py kept
for the same weights are used. A rule is fitted on 100 random halves and tested on the other half: in how many is the
mean loss on the other half at most alpha, and how many passages are scored for a query? The other half is a sample,
too, so its mean varies around the true one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import data
from pools import fill
from shortlist.evaluation.calibration.adaptive import Risk, effect, fit_stop_rule
from shortlist.evaluation.calibration.traces import Trace, traces_of
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import Recorded, recorded_from_json
from shortlist.evaluation.replay.scoring_pass import PassageCount, score_all
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.models.packaged import BI_ENCODER
from shortlist.protocols import Encoder, HasWeights, Reranker
from shortlist.registry import fitted_weights, load_encoder, load_reranker
from shortlist.retrievers import Hybrid
from shortlist.search.scores import info_of
from shortlist.search.search import Search
from shortlist.search.stopping import BLOCK, StopRule

SETS = ("scifact", "nfcorpus", "zoomcamp_faq", "cookbook_docs")
POOL, TOP_K = 100, 10
SHOWN = 20


def take_tuned(file: Path, kept: Checkpoint, weights: str) -> None:
    """Copy the passes of a file that tuning.py kept into `kept`.

    Raises:
        SystemExit: The passes were made with other weights.
    """
    if not file.is_file():
        return
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    tuned_weights = json.loads(head)["about"]["reranker_weights"]
    if tuned_weights != weights:
        raise SystemExit(f"{file} was scored with the weights {tuned_weights}, not {weights}: tune again")
    for key, piece in map(json.loads, lines):
        if key.startswith("pass ") and kept.get(key) is None:
            kept.put(key, piece)


def passes(
    test: data.TestSet, judged: Judged, cache: Path, tuned: Path | None, encoder: Encoder, reranker: Reranker
) -> dict[str, Recorded]:
    """Return each query's scoring pass, from the cache if it is done."""
    weights = reranker.weights_hash() if isinstance(reranker, HasWeights) else ""
    about = {
        "set": test.name,
        "passages": len(test.passages),
        "pool": POOL,
        "bi_encoder": encoder.name,
        "reranker": info_of(reranker).name,
        "weights": weights,
    }
    kept = Checkpoint(cache / f"{test.name}.jsonl", about)
    if tuned is not None:
        take_tuned(tuned / f"{test.name}.scored.jsonl", kept, weights)
    missing = [key for key in judged.queries if kept.get(f"pass {key}") is None]
    print(f"{test.name}: {len(judged.queries)} queries, {len(missing)} to score", flush=True)
    if not missing:
        return {key: recorded_from_json(kept.get(f"pass {key}")) for key in judged.queries}
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(EmbeddedEngine().create(Path(folder), dimension=encoder.dimension)) as index,
    ):
        fill(index, encoder, test.passages)
        search = Search(Hybrid(index, encoder), reranker)
        return score_all(
            search, judged, (POOL,), POOL, kept, PassageCount(_printing(len(judged.queries), len(missing)))
        )


def _printing(queries: int, missing: int) -> Callable[[int, int], None]:
    """Return a function that prints the progress of the pass. Queries of the cache are done at once."""
    done, began = 0, time.perf_counter()

    def report(passages: int, total: int) -> None:
        nonlocal done
        done += 1
        fresh = done - (queries - missing)
        if fresh > 0 and done % SHOWN == 0:
            left = (time.perf_counter() - began) / fresh * (queries - done)
            print(f"  {done} of {queries}, {left / 60:.0f} min left", flush=True)

    return report


def halves(traces: list[Trace], risk: Risk, splits: int, block: int, seed: int = 7) -> dict[str, float | int | str]:
    """Fit the rule on a random half and test it on the other, so many times, and return the counts and means."""
    draw = np.random.default_rng(seed)
    losses, sizes, wholes, certified = [], [], [], 0
    for _ in range(splits):
        order = draw.permutation(len(traces)).tolist()
        half = len(traces) // 2
        chosen, others = [traces[i] for i in order[:half]], [traces[i] for i in order[half:]]
        fitted = fit_stop_rule(chosen, StopRule(POOL, TOP_K, None, block), risk)
        loss, size = effect(others, fitted.rule.threshold)
        losses.append(loss)
        sizes.append(size)
        wholes.append(effect(others, None)[1])
        certified += fitted.certified
    return {
        "loss": risk.measure,
        "alpha": risk.alpha,
        "delta": risk.delta,
        "fitted_on": len(traces) // 2,
        "held_against": len(traces) - len(traces) // 2,
        "splits": splits,
        "kept": sum(loss <= risk.alpha for loss in losses),
        "certified": certified,
        "mean_pool": round(float(np.mean(sizes)), 1),
        "whole_pool": round(float(np.mean(wholes)), 1),
        "mean_loss": round(float(np.mean(losses)), 4),
        "largest_loss": round(max(losses), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the scored pools")
    parser.add_argument("--tuned", type=Path, help="the folder that tuning.py kept its scored pools in")
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--queries", type=int, default=300, help="a fixed sample of larger query sets")
    parser.add_argument("--alpha", type=float, nargs="*", default=[0.05, 0.1])
    parser.add_argument("--delta", type=float, default=0.05)
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--block", type=int, default=BLOCK)
    parser.add_argument("--save", help="file name under benchmarks/results")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker()
    weights = fitted_weights(BI_ENCODER, info_of(reranker).name)
    out = []
    for name in options.sets:
        test = data.load(name, most_queries=options.queries)
        judged = resolve(QuerySet(name, test.queries, test.qrels), test.passages)
        recorded = passes(test, judged, options.cache, options.tuned, encoder, reranker)
        declined = sum(each.skipped is not None for each in recorded.values())
        for measure in ("nDCG@10", "overlap"):
            traces = traces_of(recorded, judged, measure, StopRule(POOL, TOP_K, None, options.block), weights)
            for alpha in options.alpha:
                result = halves(traces, Risk(measure, alpha, options.delta), options.splits, options.block)
                counts = {"set": name, "queries": len(judged.queries), "of": test.total, "declined": declined}
                out.append({**counts, **result})
                print("  ", {key: value for key, value in out[-1].items() if key != "set"}, flush=True)
    if options.save:
        data.save(options.save, out)


if __name__ == "__main__":
    main()
