"""Write the tables of docs/results.md from benchmarks/results: `python benchmarks/table.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
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


TABLES = {"quality": quality, "speed": speed, "stores": stores, "reading": reading}


def filled(page: str) -> str:
    """Return the page with each table between its two markers.

    Raises:
        ValueError: The page lacks a pair of markers.
    """
    for name, table in TABLES.items():
        first, last = HEADER.format(name), FOOTER.format(name)
        if first not in page or last not in page:
            raise ValueError(f"the page has no markers {first} and {last}")
        text = f"{first}\n{table()}\n{last}"
        page = re.sub(f"{re.escape(first)}.*?{re.escape(last)}", lambda _, text=text: text, page, flags=re.DOTALL)
    return page


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
