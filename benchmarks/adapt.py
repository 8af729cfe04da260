"""What `adapt` gains on queries that it did not learn from: `python benchmarks/adapt.py [--sets ...] [--queries 300]`.

For each set, the reranker learns from one half of the queries, and both models are measured on the other half. A model
that is refused changes nothing, so its gain counts as 0. Passages are indexed whole. `--kept` names a folder that keeps
the indexes. Each set is saved as soon as it is done, and a set that is in the file already is measured again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import data
from shortlist.adapting.adapt import adapt
from shortlist.adapting.options import AdaptOptions
from shortlist.adapting.result import Adaptation
from shortlist.evaluation.query_sets.query_set import QuerySet, resolve
from shortlist.inference.engine import usable_cores
from shortlist.models.packaged import BI_ENCODER
from shortlist.protocols import Encoder, Reranker
from shortlist.registry import load_encoder, load_reranker
from shortlist.retrievers import Hybrid
from shortlist.search.search import Search
from tuning import opened

SETS = ("wikiqa_test", "chunking_eval", "cookbook_code", "fiqa_mini")
FILE = "adapt.json"


def row_of(adaptation: Adaptation, seconds: float) -> dict[str, Any]:
    """Return what the file keeps of one set."""
    report = adaptation.report
    return {
        "learned_from": adaptation.learned,
        "untaught": adaptation.untaught,
        "skipped": adaptation.skipped,
        "left_out": adaptation.left_out,
        "level": adaptation.choice.level,
        "epochs": adaptation.choice.epochs,
        "inner_splits": {"before": adaptation.choice.before, **adaptation.choice.means},
        "weights_before": dict(adaptation.weights_before),
        "weights": dict(adaptation.weights),
        "report": None if report is None else asdict(report),
        "better": adaptation.better,
        "gain": report.paired.difference.mean if report is not None and report.better else 0.0,
        "seconds": round(seconds, 1),
    }


def run(name: str, folder: Path, queries: int, encoder: Encoder, reranker: Reranker) -> dict[str, Any]:
    """Return the row of one set. The seconds do not contain the index and the models."""
    test = data.load(name, most_queries=queries)
    judged = resolve(QuerySet(name, test.queries, test.qrels), test.passages, allow_unknown=True)
    with opened(folder, test, encoder) as collection:
        search = Search(Hybrid(collection.index, encoder), reranker)
        began = time.perf_counter()
        adaptation = adapt(search, judged, AdaptOptions())
    return row_of(adaptation, time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--queries", type=int, default=300, help="queries of both halves together, at most")
    parser.add_argument("--kept", type=Path, help="a folder that keeps the indexes")
    arguments = parser.parse_args()
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker()
    file = data.ROOT / "benchmarks" / "results" / FILE
    with ExitStack() as stack:
        folder = arguments.kept or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for name in arguments.sets:
            row = run(name, folder, arguments.queries, encoder, reranker)
            print(name, json.dumps(row), flush=True)
            saved = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
            about = {"reranker": reranker.info.name, "runtime": reranker.runtime.shown, "cores": usable_cores()}
            data.save(FILE, {**saved, **about, "sets": {**saved.get("sets", {}), name: row}})


if __name__ == "__main__":
    main()
