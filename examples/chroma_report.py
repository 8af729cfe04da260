"""Does a reranker help over a Chroma collection? It needs: pip install 'shortlist[chroma,report]'.

Run: python chroma_report.py chroma:notes@./chroma queries.csv report.html
"""

from __future__ import annotations

import sys
from pathlib import Path

import shortlist as sl


def main(collection: str, queries: str, report: str) -> int | None:
    with sl.open(collection) as notes:
        tuning = sl.tune(notes, queries)
        page = sl.html_report(tuning, notes, queries)
    curve, measure = tuning.curve, tuning.measure
    print(f"stage one alone: {measure} {curve.stage_one[measure].mean():.3f}")
    values = zip(curve.sizes, curve.ceiling[measure].mean(axis=1), curve.means(measure), strict=True)
    for size, ceiling, reranked in values:
        print(f"pool {size:3}: {measure} {reranked:.3f}, ceiling {ceiling:.3f}")
    print("recommended settings:", tuning.settings or "these queries cannot decide")
    Path(report).write_text(page, encoding="utf-8")
    return tuning.recommended.size


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
