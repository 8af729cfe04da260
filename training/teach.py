"""`python training/teach.py [--part 1 --of 2]`: the packaged reranker's logits for mined blocks -> `taught-1.jsonl`.

A row has the block's queries and a table of logits, queries by passages. `blocks.py` adds stage one's blend to them,
and a share of the block's target follows the sum. Several parts run side by side. The same command resumes.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import config
from blocks import mined_rows
from shortlist import CrossEncoder
from shortlist.models.packaged import CROSS_ENCODER


def logits_of(reranker: CrossEncoder, row: dict[str, Any]) -> list[list[float]]:
    """Return `(queries, passages)` logits, rounded."""
    return [[round(float(logit), 2) for logit in reranker.score(query, row["passages"])] for query in row["queries"]]


def whole_rows(path: Path) -> int:
    """Return the number of rows that an earlier command wrote, and remove the half of one that was interrupted."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
    return text.count("\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=int, default=1)
    parser.add_argument("--of", type=int, default=1)
    arguments, settings = parser.parse_args(), config.load()
    rows = mined_rows(settings["work"] / "clusters.jsonl")
    random.Random(settings["seed"]).shuffle(rows)
    path = settings["work"] / f"taught-{arguments.part}.jsonl"
    done = whole_rows(path)
    reranker = CrossEncoder(CROSS_ENCODER, threads=1, as_worker=True)
    with path.open("a", encoding="utf-8") as file:
        for number, row in enumerate(rows[arguments.part - 1 :: arguments.of][done:], start=done + 1):
            kept = {"queries": row["queries"], "logits": logits_of(reranker, row)}
            file.write(json.dumps(kept, ensure_ascii=False) + "\n")
            file.flush()
            if number % 100 == 0:
                print(number, flush=True)


if __name__ == "__main__":
    main()
