"""Contrast cards from our own edits of licensed passages: a passage, the same one after an edit, and a query for each.

`data/edits/edits.jsonl.gz` has rows of `source`, `passage` (the key of `keep_judged.py`), `find`, `put`, `query_a` and
`query_b`. A passage is the first 110 words of a text of the shared training data, as in `rebuild_texts.py`.

`python training/edits.py FILES` adds edits to the file: rows of JSON with `text` in place of `passage`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keep_judged
from rebuild_texts import shared_texts

FOLDER = keep_judged.FOLDER.with_name("edits")
EDITS, HELD = FOLDER / "edits.jsonl.gz", FOLDER / "held.jsonl.gz"
KEPT = ("source", "passage", "find", "put", "query_a", "query_b")


def card(row: Mapping[str, Any], passage: str) -> dict[str, Any]:
    """Return the card of an edit."""
    edited = passage.replace(row["find"], row["put"], 1)
    return {"kind": "edit", "a": passage, "b": edited, "query_a": row["query_a"], "query_b": row["query_b"]}


def cards(settings: dict[str, Any], path: Path = EDITS) -> list[dict[str, Any]]:
    """Return the card of each edit whose passage is in the shared training data; empty without the file."""
    rows = keep_judged.read(path) if path.exists() else []
    texts: dict[str, str] = {}
    for source in sorted({row["source"] for row in rows}):
        own = [{"passages": [row["passage"]]} for row in rows if row["source"] == source]
        texts |= keep_judged.texts_of(own, shared_texts(source, settings))
    return [card(row, texts[row["passage"]]) for row in rows if row["passage"] in texts]


def kept(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the rows to keep as JSON, sorted, each once. A row that makes no card of two sides is left out."""
    lines = set()
    for row in rows:
        text, same = row["text"], row["find"] == row["put"] or row["query_a"] == row["query_b"]
        if text.count(row["find"]) == 1 and not same:
            content = {**row, "passage": keep_judged.digest(text)}
            lines.add(json.dumps({name: content[name] for name in KEPT}, ensure_ascii=False))
    return sorted(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSON lines with the texts of the passages")
    given = [json.loads(line) for file in parser.parse_args().files for line in file.read_text("utf-8").splitlines()]
    before = {json.dumps(row, ensure_ascii=False) for row in keep_judged.read(EDITS)} if EDITS.exists() else set()
    rows = sorted(before | set(kept(given)))
    keep_judged.write(rows, EDITS)
    print(f"{len(rows)} edits in {EDITS}, {len(rows) - len(before)} of them new")


if __name__ == "__main__":
    main()
