"""Whether a change keeps the hits of searches: `python benchmarks/same_hits.py --save FILE`, then `--compare FILE`.

Each set is indexed as documents and searched with the default settings of the checkout that runs the script: 100
queries of a set, ten hits each. `--save` writes ids and scores as JSON. `--compare` reports every query whose ids
differ from those of the file, and the largest difference of a score.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import data
import shortlist

SETS = ("cookbook_docs", "zoomcamp_faq")
QUERIES, HITS = 100, 10

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


def differences(before: Answers, now: Answers) -> tuple[list[str], float]:
    """Return the queries whose ids differ, and the largest difference of a score of the others."""
    changed = [key for key in before if [row[0] for row in before[key]] != [row[0] for row in now.get(key, [])]]
    pairs = [(a, b) for key in before if key not in changed for a, b in zip(before[key], now[key], strict=True)]
    return changed, max((abs(float(a[1]) - float(b[1])) for a, b in pairs), default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--save", type=Path, metavar="FILE", help="write ids and scores")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="ids and scores of another checkout")
    options = parser.parse_args()
    print(f"package: {Path(shortlist.__file__).parent}", flush=True)
    by_set = {name: answers_of(name) for name in options.sets}
    if options.save:
        options.save.write_text(json.dumps({"sets": by_set}, indent=1) + "\n", encoding="utf-8")
    if not options.compare:
        return
    before = json.loads(options.compare.read_text(encoding="utf-8"))["sets"]
    all_changed = 0
    for name, answers in by_set.items():
        changed, largest = differences(before[name], answers)
        all_changed += len(changed)
        print(f"{name}: {len(answers)} queries, {len(changed)} with other hits; scores differ by at most {largest:.2g}")
        for key in changed:
            print(f"  {key}: {[row[0] for row in before[name][key]]} -> {[row[0] for row in answers.get(key, [])]}")
    if all_changed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
