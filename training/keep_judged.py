"""`python training/keep_judged.py FILES`: judged pools -> `data/judged/queries.jsonl.gz`, without the passages' texts.

A row is `{"source", "type", "query", "passages", "grades"}`. A passage is the first 16 hexadecimal digits of the sha256
of its text. `texts_of` finds the texts again in a file of passages.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

TARGET = Path(__file__).resolve().parent / "data" / "judged" / "queries.jsonl.gz"


def digest(text: str) -> str:
    """Return the key of a passage: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


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


def texts_of(rows: Iterable[dict[str, object]], passages: Iterable[str]) -> dict[str, str]:
    """Return digest -> text for each passage of the rows that is among `passages`."""
    needed = {key for row in rows for key in row["passages"]}  # type: ignore[attr-defined]
    return {key: text for text in passages if (key := digest(text)) in needed}


def main() -> None:
    """Replace the file with the rows of the given files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSON lines with the texts of the passages")
    rows = kept(parser.parse_args().files)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(TARGET, "wb", mtime=0) as out:
        out.write("".join(f"{row}\n" for row in rows).encode("utf-8"))
    print(f"{len(rows)} queries in {TARGET}")


if __name__ == "__main__":
    main()
