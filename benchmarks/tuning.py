"""The recommendation of `tune`, and whether it holds: `python benchmarks/tuning.py --kept FOLDER [--queries 300]`.

For each set, the script reports the recommended pool, the share of the best nDCG@10 that it keeps on the half of the
queries that it was not chosen on, its cost compared with the largest pool, the cost of the whole tuning compared with
the largest pool alone, and whether a warning of harm fires. On arguana, the reranker is also made to rerank the long
queries that it skips by default. Passages are indexed whole. FOLDER keeps indexes and scored pools: the same command
continues after an interruption, and reads scored pools again after a change of the rules.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import data
from pools import fill
from shortlist.collection import Collection, exists
from shortlist.evaluation.query_sets.identical_ids import without_own_id
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.tuning.options import SIZES, TuneOptions
from shortlist.evaluation.tuning.recommend import harmful_sizes
from shortlist.evaluation.tuning.tune import Tuning, tune
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.protocols import Encoder
from shortlist.registry import INDEXES, encoder_name, fitted_weights, load_encoder
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.retrievers import Hybrid
from shortlist.search.search import Search
from shortlist.types import Scores
from shortlist.wording import describe
from shortlist.wording.measuring import rule_name

SETS = ("scifact", "nfcorpus", "zoomcamp_faq", "cookbook_docs", "arguana", "arguana, long queries too")
OWN_IDS = "arguana"
EVERYTHING = ", long queries too"
MEASURE = "nDCG@10"
ROOM = 64
"""Tokens of the window that a query must leave for a passage. Longer queries are left out and counted."""
KEPT, COST, ONE_PASS = 0.98, 1 / 3, 1.15


class NeverSkips:
    """The cross-encoder without its rule to skip long queries."""

    def __init__(self, model: CrossEncoder) -> None:
        self.info = replace(model.info, name=f"{model.info.name}, never skipping")
        self._model = model

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        return self._model.score(query, texts)


class Kept:
    """A set's files in the folder: scored pools and the seconds spent on them, over all runs of the command."""

    def __init__(self, folder: Path, name: str) -> None:
        stem = name.replace(", ", "-").replace(" ", "-")
        self.partial, self.scored = folder / f"{stem}.partial.jsonl", folder / f"{stem}.scored.jsonl"
        self.clock = folder / f"{stem}.seconds.json"
        before = json.loads(self.clock.read_text()) if self.clock.is_file() else {"spent": 0.0, "whole": False}
        self.spent, self.whole = float(before["spent"]), bool(before["whole"])
        self._began = time.perf_counter()
        if self.scored.is_file() and not self.partial.is_file():
            os.link(self.scored, self.partial)

    def link(self) -> None:
        """Give the file of partial results a second name, because `tune` deletes it when it is done."""
        if self.partial.is_file() and not self.scored.is_file():
            os.link(self.partial, self.scored)

    def start(self) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def add(self, *, whole: bool = False) -> None:
        """Write the seconds since the last call, unless an earlier run was complete."""
        seconds = time.perf_counter() - self._began
        self.start()
        if not self.whole:
            self.spent, self.whole = self.spent + seconds, whole
            self.clock.write_text(json.dumps({"spent": self.spent, "whole": whole}))


def opened(folder: Path, test: data.TestSet, encoder: Encoder) -> Collection:
    """Return the set's index: the one in the folder if it is complete, or else a new one."""
    place = folder / f"{test.name}.index"
    if exists(place):
        collection = INDEXES.open(place, encoder_name(BI_ENCODER))
    else:
        collection = INDEXES.create(place, encoder_name(BI_ENCODER), encoder.dimension)
    if len(collection.index) != len(test.passages):
        fill(collection.index, encoder, test.passages)
        collection.index.flush()
    return collection


def judged_of(test: data.TestSet, model: CrossEncoder) -> tuple[Judged, int]:
    """Return the queries that fit the window, and the number of those that do not."""
    window = model.info.window or 0
    fit = {key: text for key, text in test.queries.items() if model.count_tokens(text) <= window - ROOM}
    query_set = QuerySet(test.name, fit, {key: test.qrels[key] for key in fit})
    return resolve(query_set, test.passages, allow_unknown=True), len(test.queries) - len(fit)


def run(name: str, arguments: argparse.Namespace, encoder: Encoder, model: CrossEncoder) -> dict[str, Any]:
    """Return one set's row."""
    folder: Path = arguments.kept
    test = data.load(name.removesuffix(EVERYTHING), most_queries=arguments.queries)
    judged, too_long = judged_of(test, model)
    kept = Kept(folder, name)
    about = {"set": name, "passages": len(test.passages), "reranker_weights": model.weights_hash()}
    options = TuneOptions(checkpoint=kept.partial, timed=arguments.timed, about=about)
    with opened(folder, test, encoder) as collection:
        hybrid = Hybrid(collection.index, encoder)
        retriever = without_own_id(hybrid, judged.queries) if test.name == OWN_IDS else hybrid
        reranker = NeverSkips(model) if name.endswith(EVERYTHING) else model
        search = Search(retriever, reranker, weights=fitted_weights(BI_ENCODER, CROSS_ENCODER))
        kept.start()
        tuning = tune(search, judged, options, progress=printing(name, kept))
        kept.add(whole=True)
    return row(name, test, tuning, kept.spent, too_long)


def printing(name: str, kept: Kept) -> Callable[[int, int], None]:
    """Return a function that prints the progress, at most every minute, and keeps the scored pools."""
    last = [0.0]

    def report(done: int, total: int) -> None:
        kept.link()
        kept.add()
        if time.monotonic() - last[0] > 60:
            last[0] = time.monotonic()
            print(f"  {name}: {done} of {total} passages", flush=True)

    return report


def row(name: str, test: data.TestSet, tuning: Tuning, spent: float, too_long: int) -> dict[str, Any]:
    """Return what was found, as JSON."""
    assert tuning.curves.recorded is not None
    recorded = tuning.curves.recorded.values()
    alone = sum(sum(each.seconds.values()) for each in recorded)
    check = next((check for check in tuning.checks if check.rule == tuning.recommended.rule), None)
    logit = next((curve for curve in tuning.curves.by_blend if curve.blend == 0), None)
    curve, size, threshold = tuning.curve, tuning.recommended.size, tuning.threshold
    latency = tuning.latency
    return {
        "set": name,
        "queries": len(curve.query_ids),
        "of": test.total,
        "too_long_for_the_window": too_long,
        "declined": sum(each.skipped is not None for each in recorded),
        "rerank": tuning.rerank,
        "recommended": size,
        "rule": rule_name(tuning.recommended.rule),
        "kept_on_unseen_half": round(check.kept, 4) if check else None,
        "cost_share": round(check.cost, 3) if check else None,
        "time_share": round(latency[size].whole(0.5) / latency[max(SIZES)].whole(0.5), 3) if size else None,
        "one_pass_passages": passages(tuning),
        "one_pass_seconds": round(spent, 1),
        "largest_alone_seconds": round(alone, 1),
        "one_pass_cost": round(spent / alone, 3),
        "sizes": list(curve.sizes),
        "ceiling": [round(float(mean), 4) for mean in curve.recall.mean(axis=1)],
        MEASURE: [round(float(mean), 4) for mean in curve.means(MEASURE)],
        "stage_one": round(float(curve.stage_one[MEASURE].mean()), 4),
        "harmful_sizes": harmful_sizes(curve, MEASURE),
        "harmful_sizes_by_logit_alone": harmful_sizes(logit, MEASURE) if logit else None,
        "warnings": [describe(note) for note in tuning.warnings],
        "blend": f"{tuning.blend:g}: {describe(tuning.blend_reason)}",
        "fusion": describe(tuning.fusion.reason),
        "fusion_means": {f"{weight:g}": round(float(row.mean()), 4) for weight, row in tuning.fusion.values.items()},
        "fusion_extra_scored": tuning.fusion.scored,
        "threshold": describe(threshold.reason),
        "threshold_shown": asdict(threshold.effect) if threshold.effect else None,
        "threshold_everything": asdict(threshold.baseline) if threshold.baseline else None,
        "settings": tuning.settings,
    }


def passages(tuning: Tuning) -> dict[str, float]:
    """Return the numbers of scored passages of the pass and of the rest, and the ratio of both to the pass."""
    assert tuning.curves.recorded is not None
    one_pass = sum(len(each.scores) for each in tuning.curves.recorded.values())
    searches = len(next(iter(tuning.latency.values())).rerank)
    timed = searches * sum(tuning.curve.sizes[:-1]) + min(tuning.curve.sizes)
    checked = tuning.curves.checked.pairs if tuning.curves.checked else 0
    more = {"timing": timed, "check": checked, "fusion": tuning.fusion.scored}
    return {"pass": one_pass, **more, "ratio": round(1 + sum(more.values()) / one_pass, 3) if one_pass else 0.0}


def show(result: dict[str, Any]) -> None:
    """Print one set in a few lines, with the targets."""
    kept, cost, passed = result["kept_on_unseen_half"], result["cost_share"], result["one_pass_cost"]
    ratio = result["one_pass_passages"]["ratio"]
    counts = f"{result['declined']} skipped, {result['too_long_for_the_window']} too long for the window left out"
    print(f"\n{result['set']}: {result['queries']} of {result['of']} queries, {counts}", flush=True)
    values = dict(zip(result["sizes"], result[MEASURE], strict=True))
    print(f"  stage one {result['stage_one']:.4f}, reranked {values}")
    if kept is not None:
        print(f"  recommended pool {result['recommended']} (reranking recommended: {result['rerank']})")
        print(f"  keeps {kept:.1%} of the best on the unseen half ({verdict(kept >= KEPT)}: at least {KEPT:.0%})")
        print(f"  at {cost:.0%} of the largest pool ({verdict(cost <= COST)}: at most {COST:.0%})")
    if result["declined"] < result["queries"]:
        target = f"{verdict(passed <= ONE_PASS)}: at most {ONE_PASS}"
        print(f"  the tuning costs {passed:.2f} x the largest pool alone ({target})")
        print(f"  it scores {ratio:.2f} x its passages (at least one query is timed, which counts with few queries)")
    harmful, by_logit = result["harmful_sizes"] or "none", result["harmful_sizes_by_logit_alone"]
    print(f"  harmful sizes: {harmful}; by the logit alone {by_logit}")
    for name in ("blend", "fusion", "threshold"):
        print(f"  {name}: {result[name]}")
    for warning in result["warnings"]:
        print(f"  warning: {warning}")


def verdict(good: bool) -> str:
    return "target met" if good else "target NOT met"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=SETS, metavar="SET")
    parser.add_argument("--queries", type=int, default=300, help="a fixed sample of larger query sets")
    parser.add_argument(
        "--timed", type=int, help="queries to time at each smaller pool; up to 8 %% of the pass by default"
    )
    parser.add_argument("--kept", type=Path, required=True, help="folder for indexes and scored pools")
    parser.add_argument("--save", default="tuning.json", help="file name under benchmarks/results")
    arguments = parser.parse_args()
    arguments.kept.mkdir(parents=True, exist_ok=True)
    encoder, model = load_encoder(BI_ENCODER), CrossEncoder()
    rows, commit = [], data.commit()
    for name in arguments.sets:
        rows.append(run(name, arguments, encoder, model))
        show(rows[-1])
        data.save(arguments.save, {"commit": commit, "most_queries": arguments.queries, "sets": rows})


if __name__ == "__main__":
    main()
