"""`python training/keep_judged.py FILES`: adds judged pools to `data/judged/queries.jsonl.gz`, without their texts.

A row is `{"source", "type", "query", "passages", "grades"}`. A passage is the first 16 hexadecimal digits of the sha256
of its text. `rebuild_texts.py` finds the texts again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "data" / "judged"
QUERIES = FOLDER / "queries.jsonl.gz"


def digest(text: str) -> str:
    """Return the key of a passage: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def read(path: Path = QUERIES) -> list[dict[str, Any]]:
    """Return the rows of the file."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()]


def kept(files: Iterable[Path]) -> list[str]:
    """Return the rows to keep as JSON, sorted, each once."""
    rows = set()
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            content = {
                "source": row["source"],
                "type": row["type"],
                "query": row["query"],
                "passages": [digest(text) for text in row["passages"]],
                "grades": "".join(map(str, row["grades"])),
            }
            rows.add(json.dumps(content, ensure_ascii=False))
    return sorted(rows)


def texts_of(rows: Iterable[Mapping[str, Any]], passages: Iterable[str]) -> dict[str, str]:
    """Return digest -> text for each passage of the rows that is among `passages`."""
    needed = {key for row in rows for key in row["passages"]}
    return {key: text for text in passages if (key := digest(text)) in needed}


def with_texts(rows: Iterable[Mapping[str, Any]], texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows whose passages all have a text, in the form that `judged.py` reads."""
    return [
        {**row, "passages": [texts[key] for key in row["passages"]], "grades": [int(grade) for grade in row["grades"]]}
        for row in rows
        if all(key in texts for key in row["passages"])
    ]


def write(rows: Iterable[str], path: Path = QUERIES) -> None:
    """Write rows of JSON; the same rows give the same bytes."""
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write("".join(f"{row}\n" for row in rows).encode("utf-8"))


def main() -> None:
    """Add the rows of the given files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSON lines with the texts of the passages")
    before = {json.dumps(row, ensure_ascii=False) for row in read()}
    rows = sorted(before | set(kept(parser.parse_args().files)))
    write(rows)
    print(f"{len(rows)} queries in {QUERIES}, {len(rows) - len(before)} of them new")


if __name__ == "__main__":
    main()
