"""Whether a change keeps the hits of searches: `python benchmarks/same_hits.py --save FILE`, then `--compare FILE`.

Each set is indexed as documents and searched with the default settings of the checkout that runs the script: 100
queries of a set, ten hits each. `--save` writes ids and scores as JSON. `--compare` reports every query whose hits
differ from those of the file, how many queries have another order of equal scores, and the largest change of a score.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import data
import shortlist

SETS = ("cookbook_docs", "zoomcamp_faq")
QUERIES, HITS = 100, 10
TIE = 2e-5
"""Scores that differ by at most this much are equal: batches of other lengths round differently."""

Answers = dict[str, list[list[str | float]]]
"""Query id -> [passage id, score] of each hit, best first."""


def answers_of(name: str) -> Answers:
    """Index one set and search its queries."""
    test = data.load(name, most_queries=QUERIES)
    documents = [{"id": each.id, "title": each.title, "text": each.text} for each in test.passages]
    with tempfile.TemporaryDirectory() as folder, shortlist.open(Path(folder) / "index", create=True) as index:
        index.add(documents)
        return {
            key: [[hit.id, hit.score] for hit in index.search(query, top_k=HITS)] for key, query in test.queries.items()
        }


def differences(before: Answers, now: Answers) -> tuple[list[str], list[str], float]:
    """Return the queries with other hits, those with another order of equal scores, and the largest change of a score.

    Passages with equal texts have equal scores, and their order is not fixed. A tie at the end of an answer may hold
    other passages.
    """
    changed, reordered, largest = [], [], 0.0
    for key, rows in before.items():
        first, second = _ties(rows), _ties(now.get(key, []))
        if len(first) != len(second) or any(
            abs(a.score - b.score) > TIE or (a.ids != b.ids and not last)
            for a, b, last in zip(first, second, [False] * (len(first) - 1) + [True], strict=True)
        ):
            changed.append(key)
            continue
        largest = max([largest, *(abs(a.score - b.score) for a, b in zip(first, second, strict=True))])
        if [row[0] for row in rows] != [row[0] for row in now[key]]:
            reordered.append(key)
    return changed, reordered, largest


@dataclass
class Tie:
    """Hits with equal scores."""

    score: float
    ids: set[str]


def _ties(rows: list[list[str | float]]) -> list[Tie]:
    ties: list[Tie] = []
    for key, score in rows:
        if ties and abs(ties[-1].score - float(score)) <= TIE:
            ties[-1].ids.add(str(key))
        else:
            ties.append(Tie(float(score), {str(key)}))
    return ties


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--save", type=Path, metavar="FILE", help="write ids and scores")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="ids and scores of another checkout")
    parser.add_argument("--saved", type=Path, metavar="FILE", help="compare this file instead of searching")
    options = parser.parse_args()
    print(f"package: {Path(shortlist.__file__).parent}", flush=True)
    if options.saved:
        by_set = json.loads(options.saved.read_text(encoding="utf-8"))["sets"]
    else:
        by_set = {name: answers_of(name) for name in options.sets}
    if options.save:
        options.save.write_text(json.dumps({"sets": by_set}, indent=1) + "\n", encoding="utf-8")
    if not options.compare:
        return
    before = json.loads(options.compare.read_text(encoding="utf-8"))["sets"]
    all_changed = 0
    for name, answers in by_set.items():
        changed, reordered, largest = differences(before[name], answers)
        all_changed += len(changed)
        counts = f"{len(changed)} with other hits, {len(reordered)} with another order of equal scores"
        print(f"{name}: {len(answers)} queries, {counts}; scores differ by at most {largest:.2g}")
        for key in changed:
            print(f"  {key}: {[row[0] for row in before[name][key]]} -> {[row[0] for row in answers.get(key, [])]}")
    if all_changed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
