"""Bytes of an index for each passage, on disk and in memory: `python benchmarks/sizes.py --save sizes.json`.

Indexes of two sizes are made with the same texts (TREC DL 2019, whole and two in a row) and vectors of two
dimensions. The difference between the two sizes is the cost of a passage, without what every index reserves. Memory is
that of a process that opens the index and searches 20 times: `anonymous` belongs to the process, `files` are pages of
the index, which the system can give back and read again.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import data
import shortlist as sl

SIZES = (2000, 12000)
PROCESSES = 7
CASES = ((64, 1), (384, 1), (384, 2))
"""The dimension, and the number of texts of the set in a passage."""


def texts(count: int, joined: int) -> list[str]:
    passages = [passage.text for passage in data.load("trec_dl19").passages]
    return [" ".join(passages[(start + i) % len(passages)] for i in range(joined)) for start in range(count)]


def used(folder: Path) -> dict[str, int]:
    """Return the bytes on disk of each part: blocks that are used, not reserved lengths."""
    out: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            name = path.relative_to(folder).parts[0]
            out[name] = out.get(name, 0) + path.stat().st_blocks * 512
    return out


def build(folder: Path, dimension: int, rows: list[str]) -> None:
    with sl.open(folder, create=True, config=sl.SearchConfig(bi_encoder=f"hashed-{dimension}", rerank=False)) as index:
        index.add([{"id": f"{place}", "text": text} for place, text in enumerate(rows)])


def memory(folder: Path) -> dict[str, int]:
    """Return the memory of a new process in bytes, after 20 searches: the median of PROCESSES processes."""
    command = [sys.executable, __file__, "--memory-of", str(folder)]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(PROCESSES)]
    values = [json.loads(run.splitlines()[-1]) for run in runs]
    return {name: statistics.median(value[name] for value in values) for name in values[0]}


def report_memory(folder: Path) -> None:
    queries = list(data.load("trec_dl19").queries.values())[:20]
    with sl.open(folder, config=sl.SearchConfig(rerank=False)) as index:
        for query in queries:
            index.search(query)
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    values = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss")}
    print(json.dumps({"anonymous": values["RssAnon"], "files": values["RssFile"]}))


def tokens_per_word() -> float:
    """Return the tokens of the packaged reranker for a word of the set."""
    encoder = sl.CrossEncoder(device="cpu", precision="exact")
    given = [passage.text for passage in data.load("trec_dl19").passages[:2000]]
    return round(sum(encoder.count_tokens(text) for text in given) / sum(len(text.split()) for text in given), 3)


def case(root: Path, dimension: int, joined: int) -> dict[str, object]:
    measured = []
    for size in SIZES:
        rows = texts(size, joined)
        folder = root / f"{dimension}-{joined}-{size}"
        build(folder, dimension, rows)
        with sl.open(folder, config=sl.SearchConfig(rerank=False)) as index:
            passages = len(index)
        words = sum(len(row.split()) for row in rows) / passages
        measured.append((passages, used(folder), memory(folder), words))
    (few, small, little, _), (many, large, much, words) = measured
    out = {
        "dimension": dimension,
        "words": round(words, 1),
        "passages": [few, many],
        "disk_per_passage": {
            name: round((large[name] - small.get(name, 0)) / (many - few), 1) for name in sorted(large)
        },
        "memory_per_passage": {name: round((much[name] - little[name]) / (many - few), 1) for name in much},
        "memory_of_the_small_index_MiB": {name: round(value / 2**20) for name, value in little.items()},
    }
    print(json.dumps(out), flush=True)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        report_memory(options.memory_of)
        return
    with tempfile.TemporaryDirectory() as root:
        cases = [case(Path(root), *values) for values in CASES]
    out = {"machine": platform.machine(), "tokens_per_word": tokens_per_word(), "cases": cases}
    if options.save:
        data.save(options.save, out)


if __name__ == "__main__":
    main()
