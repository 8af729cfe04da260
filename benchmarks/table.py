"""Write the tables of docs/ from benchmarks/results: `python benchmarks/table.py`."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGES = ROOT / "docs"
HEADER = "<!-- {0} -->"
FOOTER = "<!-- /{0} -->"


def quality() -> str:
    """Return the table of nDCG@10 for each test set."""
    rows = [
        "| set | dense | BM25 | hybrid | R@50 | reranked | hybrid | default | score alone |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in json.loads((RESULTS / "quality.json").read_text(encoding="utf-8"))["sets"]:
        sample = f" ({row['queries']} of {row['of']} queries)" if row["queries"] < row["of"] else ""
        stage_one, queries, stage_two = _columns(row)
        rows.append(f"| {row['set']}{sample} | {_cells(stage_one)} | {queries} queries | {_cells(stage_two)} |")
    return "\n".join(rows)


def _columns(row: dict[str, Any]) -> tuple[list[float | None], int, list[float | None]]:
    """Return the columns of stage one, the number of reranked queries, and the columns of stage two."""
    before = {stage: values["nDCG@10"] for stage, values in row["measures"].items()}
    if "reranked" not in row:
        stage_two = [None, before.get("logit + fitted", before["logit"]), before["logit"]]
        return [before["dense"], before["bm25 top 100"], None, None], row["queries"], stage_two
    after = {stage: values["nDCG@10"] for stage, values in row["reranked"].items()}
    stage_one = [before["dense"], before["bm25"], before["hybrid"], row["measures"]["hybrid"]["R@50"]]
    default = after.get("hybrid + logit + fitted", after["hybrid + logit"])
    return stage_one, row["reranked_queries"], [after["hybrid"], default, after["hybrid + logit"]]


def _cells(values: list[float | None]) -> str:
    return " | ".join("" if value is None else f"{value:.3f}" for value in values)


def fusion() -> str:
    """Return the table of the ways to fuse stage one's lists: means over the sources."""
    sets = json.loads((RESULTS / "fusion.json").read_text(encoding="utf-8"))["sets"]
    lines = ["| order of stage one | nDCG@10 | RR@10 | R@50 | sources above reciprocal rank |", "|---|---|---|---|---|"]
    for way in sets[0]["measures"]:
        means = [statistics.mean(row["measures"][way][name] for row in sets) for name in ("nDCG@10", "RR@10", "R@50")]
        ranks = (row["measures"]["reciprocal rank"]["nDCG@10"] for row in sets)
        above = sum(row["measures"][way]["nDCG@10"] > rank for row, rank in zip(sets, ranks, strict=True))
        lines.append(f"| {way} | {_cells(list(means))} | {above} of {len(sets)} |")
    return "\n".join(lines)


def speed() -> str:
    """Return the table of milliseconds and memory for each engine."""
    result = json.loads((RESULTS / "speed.json").read_text(encoding="utf-8"))
    short, long = result["short"], result["long"]
    rows = [
        f"| engine | 100 x {short['words']} words, ms | ratio | 100 x {long['words']} words, ms | ratio | peak MiB |",
        "|---|---|---|---|---|---|",
    ]
    for name, first in short["engines"].items():
        second = long["engines"][name]
        rows.append(
            f"| {name} | {first['median_ms']} | {first['ratio']:.2f} | {second['median_ms']} | {second['ratio']:.2f} "
            f"| {result['peak_MiB'].get(name) or ''} |"
        )
    return "\n".join(rows)


def stores() -> str:
    """Return the table of quality, advice and the time of the adapter for each store.

    The columns of both stages are left out if the run was one of stage one alone.
    """
    sets = json.loads((RESULTS / "stores.json").read_text(encoding="utf-8"))["sets"]
    names = ["set", "store", "dense", "hybrid", "ms, dense", "ms, hybrid"]
    reranked = any("tune" in row for result in sets for row in result["stores"])
    if reranked:
        names[4:4] = ["before reranking", "reranked", "recommended pool"]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for result in sets:
        for row in result["stores"]:
            cells = [result["set"], row["store"], _cells([row["dense"], row["hybrid"]])]
            if reranked:
                cells += [_cells([row.get("stage one"), row.get("reranked")]), _pool(row)]
            lines.append(f"| {' | '.join([*cells, _added(row)])} |")
    return "\n".join(lines)


def _pool(row: dict[str, Any]) -> str:
    advice = row.get("tune")
    if advice is None:
        return ""
    return str(advice["pool"]) if advice["rerank"] else "no reranking"


def _added(row: dict[str, Any]) -> str:
    return " | ".join(f"{row[name]['processor']:+.1f}" if name in row else "" for name in ("ms, dense", "ms, hybrid"))


def reading() -> str:
    """Return the table of the documents that were read beside a second extractor, by format."""
    documents = json.loads((RESULTS / "reading.json").read_text(encoding="utf-8"))["documents"]
    lines = [
        "| format | documents | characters | second extractor | differ by over 2 % | reasons |",
        "|---|---|---|---|---|---|",
    ]
    for form in dict.fromkeys(row["format"] for row in documents):
        rows = [row for row in documents if row["format"] == form]
        over = [row for row in rows if max(row["missing"], row["extra"]) > 0.02]
        reasons = [reason for row in over for reason in (*row["explained"], row.get("finding", "")) if reason]
        counts = ", ".join(f"{reason.strip('<>')} ({reasons.count(reason)})" for reason in dict.fromkeys(reasons))
        size = sum(row["characters"] for row in rows)
        lines.append(f"| {form} | {len(rows)} | {size:,} | {rows[0]['second']} | {len(over)} | {counts} |")
    return "\n".join(lines)


def large() -> str:
    """Return the table of an index that grows: a column for each size, and the exponents of growth."""
    result = json.loads((RESULTS / "large.json").read_text(encoding="utf-8"))
    exponents = result["exponents"]
    memory = {point["passages"]: point["anonymous_MiB"] for point in result["memory_of_add"]}
    sizes = [{**row, "add_anonymous_MiB": memory[row["passages"]]} for row in result["sizes"]]
    lines = [
        f"| passages | {' | '.join(format(row['passages'], ',') for row in sizes)} | exponent |",
        f"|---|{'---|' * (len(sizes) + 1)}",
        f"| stage one | {' | '.join('approximate' if row['approximate'] else 'exact' for row in sizes)} | |",
    ]
    for text, names in LARGE.items():
        cells = [", ".join(f"{row[name]:,}" for name in names if name in row) for row in sizes]
        lines.append(f"| {text} | {' | '.join(cells)} | {exponents.get(names[0], '')} |")
    return "\n".join(lines)


LARGE: dict[str, tuple[str, ...]] = {
    "`add`: seconds in all": ("add_s",),
    "`add`: core-seconds in all": ("add_core_s",),
    "passages a second, and a core-second": ("passages_per_s", "passages_per_core_s"),
    "the longest commit, s": ("longest_commit_s",),
    "memory of `add` at its end, MiB": ("add_anonymous_MiB",),
    "disk, MiB": ("disk_MiB",),
    "opening, s": ("open_s",),
    "vectors: ms (p50, p95)": ("dense_ms", "dense_p95_ms"),
    "vectors: core-ms (p50, p95)": ("dense_core_ms", "dense_p95_core_ms"),
    "BM25: ms (p50, p95)": ("bm25_ms", "bm25_p95_ms"),
    "BM25: core-ms (p50, p95)": ("bm25_core_ms", "bm25_p95_core_ms"),
    "hybrid: ms (p50, p95)": ("hybrid_ms", "hybrid_p95_ms"),
    "hybrid: core-ms (p50, p95)": ("hybrid_core_ms", "hybrid_p95_core_ms"),
    "exact search over vectors: core-ms (p50)": ("exact_core_ms",),
    "recall of the first 50, and of 100": ("recall@50", "recall@100"),
    "memory of a search without models, MiB": ("anonymous_MiB",),
    "and pages of files, which the system can give back": ("files_MiB",),
}
"""The rows of `large`, and the measures of each."""

TABLES = {
    "comparison.md": {"speed": speed},
    "results.md": {"quality": quality, "fusion": fusion, "speed": speed, "stores": stores, "reading": reading},
    "scaling.md": {"large": large},
}
"""The tables of each page."""


def filled(name: str) -> str:
    """Return the page of this name with each table between its two markers.

    Raises:
        ValueError: The page lacks a pair of markers.
    """
    page = (PAGES / name).read_text(encoding="utf-8")
    for marker, table in TABLES[name].items():
        first, last = HEADER.format(marker), FOOTER.format(marker)
        if first not in page or last not in page:
            raise ValueError(f"the page has no markers {first} and {last}")
        text = f"{first}\n{table()}\n{last}"
        page = re.sub(f"{re.escape(first)}.*?{re.escape(last)}", lambda _, text=text: text, page, flags=re.DOTALL)
    return page


def main() -> None:
    """Rewrite the pages."""
    for name in TABLES:
        (PAGES / name).write_text(filled(name), encoding="utf-8")


if __name__ == "__main__":
    main()
