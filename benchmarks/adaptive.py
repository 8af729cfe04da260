"""Does the adaptive pool keep its risk? `python benchmarks/adaptive.py --cache FOLDER [--sets ...] [--queries 300]`.

Each set's largest pool is scored once, and kept in FOLDER/NAME.jsonl query by query: stop it at any moment, and the
same command goes on; with more queries it only scores those that are new. With `--tuned`, pools that tuning.py kept
with the same weights are taken instead of scored again. From the recorded passes, 100 random halves
are fitted on and held against the other half: in how many is the mean loss on the other half at most alpha, and how
many passages are scored a query? The half that is held out is a sample too, so its mean moves around the true one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import data
from pools import fill
from shortlist.evaluation.calibration.adaptive import Risk, fit, outcome
from shortlist.evaluation.calibration.calibrate import traces_of
from shortlist.evaluation.calibration.traces import Trace
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import Recorded, recorded_from_json
from shortlist.evaluation.replay.scoring_pass import score_all
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.models.packaged import BI_ENCODER
from shortlist.protocols import Encoder, HasWeights, Reranker
from shortlist.registry import fitted_weights, load_encoder, load_reranker
from shortlist.retrievers.engine import Hybrid
from shortlist.search.pipeline import Shortlist
from shortlist.search.stopping import BLOCK, StopRule

SETS = ("scifact", "nfcorpus", "zoomcamp_faq", "cookbook_docs")
POOL, K = 100, 10
SHOWN = 20


def take_tuned(file: Path, kept: Checkpoint, weights: str) -> None:
    """Puts the passes of a file that tuning.py kept into `kept`, unless other weights made them."""
    if not file.is_file():
        return
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    made_by = json.loads(head)["about"]["cross-encoder"]
    if made_by != weights:
        raise SystemExit(f"{file} was scored by weights {made_by}, these are {weights}: tune again")
    for key, piece in map(json.loads, lines):
        if key.startswith("pass ") and kept.get(key) is None:
            kept.put(key, piece)


def passes(
    test: data.TestSet, judged: Judged, cache: Path, tuned: Path | None, encoder: Encoder, reranker: Reranker
) -> dict[str, Recorded]:
    """Each query's scoring pass, from the cache where it is done; models only run where it is not."""
    weights = reranker.weights_hash() if isinstance(reranker, HasWeights) else ""
    about = {
        "set": test.name,
        "passages": len(test.passages),
        "pool": POOL,
        "bi-encoder": encoder.name,
        "cross-encoder": reranker.name,
        "weights": weights,
    }
    kept = Checkpoint(cache / f"{test.name}.jsonl", about)
    if tuned is not None:
        take_tuned(tuned / f"{test.name}.scored.jsonl", kept, weights)
    missing = [key for key in judged.queries if kept.get(f"pass {key}") is None]
    print(f"{test.name}: {len(judged.queries)} queries, {len(missing)} to score", flush=True)
    if not missing:
        return {key: recorded_from_json(kept.get(f"pass {key}")) for key in judged.queries}
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedIndex.create(Path(folder) / "index", encoder_name=encoder.name, dimension=encoder.dimension)
        with index:
            fill(index, encoder, test.passages)
            shortlist = Shortlist(Hybrid(index, encoder), reranker)
            return score_all(shortlist, judged, (POOL,), POOL, kept, _told(len(judged.queries), len(missing)))


def _told(queries: int, missing: int) -> Callable[[int], None]:
    """Prints how far the pass is; what the cache held counts as done at once."""
    done, began = 0, time.perf_counter()

    def told(passages: int) -> None:
        nonlocal done
        done += 1
        fresh = done - (queries - missing)
        if fresh > 0 and done % SHOWN == 0:
            left = (time.perf_counter() - began) / fresh * (queries - done)
            print(f"  {done} of {queries}, {left / 60:.0f} min left", flush=True)

    return told


def halves(traces: list[Trace], risk: Risk, splits: int, block: int, seed: int = 7) -> dict[str, float | int | str]:
    """The rule fitted on one random half and held against the other, so many times."""
    draw = np.random.default_rng(seed)
    losses, sizes, wholes, certified = [], [], [], 0
    for _ in range(splits):
        order = draw.permutation(len(traces)).tolist()
        half = len(traces) // 2
        chosen, others = [traces[i] for i in order[:half]], [traces[i] for i in order[half:]]
        made = fit(chosen, StopRule(POOL, K, None, block), risk)
        loss, size = outcome(others, made.rule.threshold)
        losses.append(loss)
        sizes.append(size)
        wholes.append(outcome(others, None)[1])
        certified += made.certified
    return {
        "loss": risk.measure,
        "alpha": risk.alpha,
        "delta": risk.delta,
        "fitted_on": len(traces) // 2,
        "held_against": len(traces) - len(traces) // 2,
        "splits": splits,
        "kept": sum(one <= risk.alpha for one in losses),
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
    asked = parser.parse_args()
    asked.cache.mkdir(parents=True, exist_ok=True)
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker()
    weights = fitted_weights(BI_ENCODER, reranker.name)
    out = []
    for name in asked.sets:
        test = data.load(name, most_queries=asked.queries)
        judged = resolve(QuerySet(name, test.queries, test.qrels), test.passages)
        recorded = passes(test, judged, asked.cache, asked.tuned, encoder, reranker)
        declined = sum(bool(one.why_not) for one in recorded.values())
        for measure in ("nDCG@10", "overlap"):
            traces = traces_of(recorded, judged, measure, StopRule(POOL, K, None, asked.block), weights)
            for alpha in asked.alpha:
                found = halves(traces, Risk(measure, alpha, asked.delta), asked.splits, asked.block)
                out.append(
                    {"set": name, "queries": len(judged.queries), "of": test.total, "declined": declined, **found}
                )
                print("  ", {key: value for key, value in out[-1].items() if key != "set"}, flush=True)
    if asked.save:
        data.save(asked.save, out)


if __name__ == "__main__":
    main()
