"""Test sets in BEIR form, and runs scored by ir_measures."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ir_measures
from ir_measures import RR, R, nDCG

from shortlist.types import Passage

ROOT = Path(__file__).resolve().parent.parent
MEASURES = {"nDCG@10": nDCG @ 10, "RR@10": RR @ 10, "R@50": R @ 50, "R@100": R @ 100}


def data_folder() -> Path:
    """Return `$SHORTLIST_DATA`, or `../shared/data` next to the project.

    Raises:
        SystemExit: Neither exists, and the benchmarks need the test sets.
    """
    folder = Path(os.environ.get("SHORTLIST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "eval").is_dir():
        raise SystemExit(f"no test sets at {folder}: set SHORTLIST_DATA to a folder with eval/NAME in BEIR form")
    return folder


@dataclass(frozen=True)
class TestSet:
    """A test set. `total` is the number of queries before sampling. Ids of passages are those of the corpus."""

    name: str
    passages: list[Passage]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    total: int

    def sample(self, most: int) -> TestSet:
        """Return the set with a fixed random sample of at most `most` queries."""
        if len(self.queries) <= most:
            return self
        kept = sorted(random.Random(7).sample(sorted(self.queries), most))
        queries, qrels = {key: self.queries[key] for key in kept}, {key: self.qrels[key] for key in kept}
        return TestSet(self.name, self.passages, queries, qrels, self.total)


def load(name: str, *, most_queries: int | None = None, qrels_file: str = "test.tsv") -> TestSet:
    """Read the set, with a fixed random sample of its judged queries if there are more than `most_queries`."""
    folder = data_folder() / "eval" / name
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").open(encoding="utf-8")]
    passages = [Passage(r["_id"], r["text"], r["_id"], r.get("title") or "", 0, len(r["text"])) for r in rows]
    qrels: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / qrels_file).open(encoding="utf-8") as lines:
        for query, passage, grade in list(csv.reader(lines, delimiter="\t"))[1:]:
            qrels.setdefault(query, {})[passage] = int(grade)
    texts = {r["_id"]: r["text"] for r in map(json.loads, (folder / "queries.jsonl").open(encoding="utf-8"))}
    judged = sorted(key for key in qrels if key in texts)
    whole = TestSet(
        name, passages, {key: texts[key] for key in judged}, {key: qrels[key] for key in judged}, len(judged)
    )
    return whole if most_queries is None else whole.sample(most_queries)


def save(name: str, value: object) -> None:
    """Write `value` as JSON to benchmarks/results/`name`."""
    target = ROOT / "benchmarks" / "results" / name
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def commit() -> str:
    """Return the commit of the code, which the files of results name. Call it before a long run, not after it."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def measure(qrels: Mapping[str, Mapping[str, int]], ranking: Mapping[str, list[str]]) -> dict[str, float]:
    """Return each measure's mean over every judged query. A query without results counts 0.

    Scores are strictly falling ranks, so that no tie is reordered by passage id.
    """
    run = {query: {key: float(len(ids) - place) for place, key in enumerate(ids)} for query, ids in ranking.items()}
    values = ir_measures.calc_aggregate(list(MEASURES.values()), {q: dict(g) for q, g in qrels.items()}, run)
    return {name: round(float(values[measure]), 4) for name, measure in MEASURES.items()}
