"""Writes the README's tables from benchmarks/results: `python benchmarks/table.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def quality() -> str:
    rows = [
        "| set | dense | BM25 | hybrid | ceiling R@50 | reranked: | hybrid | default | by logit alone |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in json.loads((RESULTS / "quality.json").read_text())["sets"]:
        m = {stage: values["nDCG@10"] for stage, values in one["measures"].items()}
        if "reranked" in one:
            r = {stage: values["nDCG@10"] for stage, values in one["reranked"].items()}
            first = [m["dense"], m["bm25"], m["hybrid"], one["measures"]["hybrid"]["R@50"]]
            second = [r["hybrid"], r.get("hybrid + logit + fitted", r["hybrid + logit"]), r["hybrid + logit"]]
            count = f"{one['reranked_queries']} queries"
        else:
            first = [m["dense"], m["bm25 top 100"], None, None]
            second = [None, m.get("logit + fitted", m["logit"]), m["logit"]]
            count = f"{one['queries']} queries"
        shown, later = (
            " | ".join("" if cell is None else f"{cell:.3f}" for cell in cells) for cells in (first, second)
        )
        sample = f" ({one['queries']} of {one['of']} queries)" if one["queries"] < one["of"] else ""
        rows.append(f"| {one['set']}{sample} | {shown} | {count} | {later} |")
    return "\n".join(rows)


def speed() -> str:
    held = json.loads((RESULTS / "speed.json").read_text())
    short, long = held["short"], held["long"]
    rows = [
        f"| engine | 100 x {short['words']} words, ms | ratio | 100 x {long['words']} words, ms | ratio | peak MiB |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in short["engines"].items():
        other = long["engines"][name]
        rows.append(
            f"| {name} | {one['median_ms']} | {one['ratio']:.2f} | {other['median_ms']} | {other['ratio']:.2f} "
            f"| {held['peak_MiB'].get(name) or ''} |"
        )
    return "\n".join(rows)


def main() -> None:
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    for name, make in (("quality", quality), ("speed", speed)):
        made = f"<!-- {name} -->\n{make()}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, made=made: made, text, flags=re.DOTALL)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
