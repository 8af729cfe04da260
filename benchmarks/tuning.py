"""What `tune` recommends, and whether it holds: `python benchmarks/tuning.py --kept FOLDER [--queries 300]`.

For each set: the recommended pool, the share of the best nDCG@10 that it keeps on the half of the queries that had no
part in choosing it, its cost beside the largest pool, what the whole tuning costs beside evaluating the largest pool
alone, and whether a warning of harm fires. On arguana the cross-encoder is also made to rerank the long queries that it
leaves alone by default. Passages are indexed whole. FOLDER keeps indexes and scored pools: the same
command goes on after an interruption, and reads scored pools again after a change of what is read off them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import data
from pools import fill
from shortlist.evaluation.query_sets.identical_ids import without_itself
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.tuning.recommend import harm
from shortlist.evaluation.tuning.request import SIZES, Request
from shortlist.evaluation.tuning.tune import Tuning, tune
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.protocols import Encoder
from shortlist.registry import fitted_weights, load_encoder
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.retrievers.engine import Hybrid
from shortlist.search.pipeline import Shortlist

SETS = ("scifact", "nfcorpus", "zoomcamp_faq", "cookbook_docs", "arguana", "arguana, long queries too")
ITSELF = "arguana"
EVERYTHING = ", long queries too"
MEASURE = "nDCG@10"
ROOM = 64
"""Tokens of the window that a query has to leave for a passage; longer queries are left out and counted."""
KEPT, COST, ONE_PASS = 0.98, 1 / 3, 1.15


class NeverDeclines:
    """The cross-encoder without its rule to leave long queries alone."""

    pointwise = True

    def __init__(self, model: CrossEncoder) -> None:
        self.name, self._model = f"{model.name}, never declining", model

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        return self._model.score(query, texts)

    def score_and_report(self, query: str, texts: Sequence[str]) -> tuple[list[float], list[bool]]:
        return self._model.score_and_report(query, texts)


class Kept:
    """A set's files in the folder: scored pools and the seconds spent on them, over all runs of the command."""

    def __init__(self, folder: Path, name: str) -> None:
        plain = name.replace(", ", "-").replace(" ", "-")
        self.partial, self.scored = folder / f"{plain}.partial.jsonl", folder / f"{plain}.scored.jsonl"
        self.clock = folder / f"{plain}.seconds.json"
        held = json.loads(self.clock.read_text()) if self.clock.is_file() else {"spent": 0.0, "whole": False}
        self.spent, self.whole = float(held["spent"]), bool(held["whole"])
        self._began = time.perf_counter()
        if self.scored.is_file() and not self.partial.is_file():
            os.link(self.scored, self.partial)

    def hold(self) -> None:
        """A second name for the file of partial results, which `tune` removes when it is done."""
        if self.partial.is_file() and not self.scored.is_file():
            os.link(self.partial, self.scored)

    def go_on(self) -> None:
        """The clock runs from here on."""
        self._began = time.perf_counter()

    def add(self, *, whole: bool = False) -> None:
        """Writes down the seconds since the last call, unless an earlier run was complete."""
        seconds = time.perf_counter() - self._began
        self.go_on()
        if not self.whole:
            self.spent, self.whole = self.spent + seconds, whole
            self.clock.write_text(json.dumps({"spent": self.spent, "whole": whole}))


def opened(folder: Path, test: data.TestSet, encoder: Encoder) -> EmbeddedIndex:
    """The set's index: the one in the folder if it is complete, else a new one."""
    place = folder / f"{test.name}.index"
    if place.is_dir():
        index = EmbeddedIndex.open(place, encoder_name=encoder.name)
    else:
        index = EmbeddedIndex.create(place, encoder_name=encoder.name, dimension=encoder.dimension)
    if len(index) != len(test.passages):
        fill(index, encoder, test.passages)
        index.flush()
    return index


def judged_of(test: data.TestSet, model: CrossEncoder) -> tuple[Judged, int]:
    """The queries that fit the window, and how many do not."""
    fit = {key: text for key, text in test.queries.items() if model.count_tokens(text) <= model.info.window - ROOM}
    made = QuerySet(test.name, fit, {key: test.qrels[key] for key in fit})
    return resolve(made, test.passages, allow_unknown=True), len(test.queries) - len(fit)


def run(name: str, asked: argparse.Namespace, encoder: Encoder, model: CrossEncoder) -> dict[str, Any]:
    """One set's row."""
    folder: Path = asked.kept
    test = data.load(name.removesuffix(EVERYTHING), most_queries=asked.queries)
    judged, too_long = judged_of(test, model)
    kept = Kept(folder, name)
    about = {"set": name, "passages": len(test.passages), "cross-encoder": model.weights_hash()}
    request = Request(checkpoint=kept.partial, timed=asked.timed, about=about)
    with opened(folder, test, encoder) as index:
        plain = Hybrid(index, encoder)
        retriever = without_itself(plain, judged.queries) if test.name == ITSELF else plain
        reranker = NeverDeclines(model) if name.endswith(EVERYTHING) else model
        shortlist = Shortlist(retriever, reranker, weights=fitted_weights(BI_ENCODER, CROSS_ENCODER))
        kept.go_on()
        found = tune(shortlist, judged, request, progress=telling(name, kept))
        kept.add(whole=True)
    return row(name, test, found, kept.spent, too_long)


def telling(name: str, kept: Kept) -> Callable[[int, int], None]:
    """Prints how far it is, at most every minute, and holds on to the scored pools."""
    last = [0.0]

    def told(done: int, total: int) -> None:
        kept.hold()
        kept.add()
        if time.monotonic() - last[0] > 60:
            last[0] = time.monotonic()
            print(f"  {name}: {done} of {total} passages", flush=True)

    return told


def row(name: str, test: data.TestSet, found: Tuning, spent: float, too_long: int) -> dict[str, Any]:
    """What was found, as JSON."""
    assert found.curves.recorded is not None
    alone = sum(sum(one.seconds.values()) for one in found.curves.recorded.values())
    held = next((one for one in found.held if one.rule == found.recommended.rule), None)
    logit = next((one for one in found.curves.by_blend if one.blend == 0), None)
    curve, size = found.curve, found.recommended.size
    return {
        "set": name,
        "queries": len(curve.query_ids),
        "of": test.total,
        "too_long_for_the_window": too_long,
        "declined": sum(bool(one.why_not) for one in found.curves.recorded.values()),
        "rerank": found.rerank,
        "recommended": size,
        "rule": found.recommended.rule,
        "kept_on_unseen_half": round(held.kept, 4) if held else None,
        "cost_share": round(held.cost, 3) if held else None,
        "time_share": round(found.latency[size].whole(0.5) / found.latency[max(SIZES)].whole(0.5), 3) if size else None,
        "one_pass_passages": passages(found),
        "one_pass_seconds": round(spent, 1),
        "largest_alone_seconds": round(alone, 1),
        "one_pass_cost": round(spent / alone, 3),
        "sizes": list(curve.sizes),
        "ceiling": [round(float(one), 4) for one in curve.recall.mean(axis=1)],
        MEASURE: [round(float(one), 4) for one in curve.means(MEASURE)],
        "stage_one": round(float(curve.stage_one[MEASURE].mean()), 4),
        "harmful_sizes": harm(curve, MEASURE),
        "harmful_sizes_by_logit_alone": harm(logit, MEASURE) if logit else None,
        "warnings": list(found.warnings),
        "blend": f"{found.blend:g}: {found.blend_why}",
        "fusion": found.fusion.why,
        "fusion_means": {f"{weight:g}": round(float(one.mean()), 4) for weight, one in found.fusion.values.items()},
        "fusion_extra_scored": found.fusion.scored,
        "threshold": found.threshold.why,
        "threshold_shown": asdict(found.threshold.shown) if found.threshold.shown else None,
        "threshold_everything": asdict(found.threshold.everything) if found.threshold.everything else None,
        "settings": found.settings,
    }


def passages(found: Tuning) -> dict[str, float]:
    """What was scored: the pass, what else tuning scored, and the ratio of both to the pass."""
    assert found.curves.recorded is not None
    one_pass = sum(len(one.scores) for one in found.curves.recorded.values())
    searches = len(next(iter(found.latency.values())).rerank)
    timed = searches * sum(found.curve.sizes[:-1]) + min(found.curve.sizes)
    checked = found.curves.checked.pairs if found.curves.checked else 0
    more = {"timing": timed, "check": checked, "fusion": found.fusion.scored}
    return {"pass": one_pass, **more, "ratio": round(1 + sum(more.values()) / one_pass, 3) if one_pass else 0.0}


def show(one: dict[str, Any]) -> None:
    """One set in a few lines, with what was wanted."""
    kept, cost, passed = one["kept_on_unseen_half"], one["cost_share"], one["one_pass_cost"]
    ratio = one["one_pass_passages"]["ratio"]
    left = f"{one['too_long_for_the_window']} too long for the window left out"
    print(f"\n{one['set']}: {one['queries']} of {one['of']} queries, {one['declined']} declined, {left}", flush=True)
    print(f"  stage one {one['stage_one']:.4f}, reranked {dict(zip(one['sizes'], one[MEASURE], strict=True))}")
    if kept is not None:
        print(f"  recommended pool {one['recommended']} (reranking recommended: {one['rerank']})")
        print(f"  keeps {kept:.1%} of the best on the unseen half ({verdict(kept >= KEPT)}: at least {KEPT:.0%})")
        print(f"  at {cost:.0%} of the largest pool ({verdict(cost <= COST)}: at most {COST:.0%})")
    if one["declined"] < one["queries"]:
        said = f"{verdict(passed <= ONE_PASS)}: at most {ONE_PASS}"
        print(f"  one pass costs {passed:.2f} x the largest pool alone ({said})")
        print(f"  it scores {ratio:.2f} x its passages (one query is timed at least, which weighs with few of them)")
    print(
        f"  harmful sizes: {one['harmful_sizes'] or 'none'}; by the logit alone {one['harmful_sizes_by_logit_alone']}"
    )
    for name in ("blend", "fusion", "threshold"):
        print(f"  {name}: {one[name]}")
    for warning in one["warnings"]:
        print(f"  warning: {warning}")


def verdict(good: bool) -> str:
    return "as wanted" if good else "NOT as wanted"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=SETS, metavar="SET")
    parser.add_argument("--queries", type=int, default=300, help="a fixed sample of larger query sets")
    parser.add_argument(
        "--timed", type=int, help="queries to time at each smaller pool; up to 8 %% of the pass by default"
    )
    parser.add_argument("--kept", type=Path, required=True, help="folder for indexes and scored pools")
    parser.add_argument("--save", default="tuning.json", help="file name under benchmarks/results")
    asked = parser.parse_args()
    asked.kept.mkdir(parents=True, exist_ok=True)
    encoder, model = load_encoder(BI_ENCODER), CrossEncoder()
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
    rows = []
    for name in asked.sets:
        rows.append(run(name, asked, encoder, model))
        show(rows[-1])
        data.save(asked.save, {"commit": commit.stdout.strip(), "most_queries": asked.queries, "sets": rows})


if __name__ == "__main__":
    main()
