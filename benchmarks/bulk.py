"""`bulk rerank` with one and two processes, and on Ray: `python benchmarks/bulk.py --pairs 50000 --save bulk.json`.

Each set-up scores the same pairs with the packaged reranker, in turns. A worker has one core. A process of this machine
and a worker on Ray do the same work, so the difference of their times is the cost of Ray. It includes the start of the
cluster's workers, but not of the cluster. Ray is left out if it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import data
from shortlist.bulk.reranking import rerank
from shortlist.config import SearchConfig

SET, POOL = "cookbook_docs", 100


def written(folder: Path, pairs: int, words: int) -> tuple[Path, Path, Path]:
    """Write a run of pools of `POOL` pairs, its corpus with texts of at most `words` words, and its queries."""
    test = data.load(SET)
    texts = {passage.id: " ".join(passage.content.split()[:words]) for passage in test.passages}
    queries = list(test.queries.values())
    run, corpus, asked = folder / "run.txt", folder / "corpus.jsonl", folder / "queries.jsonl"
    rows = [json.dumps({"_id": key, "text": text}) for key, text in texts.items()]
    corpus.write_text("\n".join(rows), encoding="utf-8")
    names = [f"q{number}" for number in range(pairs // POOL)]
    rows = [json.dumps({"_id": name, "text": queries[place % len(queries)]}) for place, name in enumerate(names)]
    asked.write_text("\n".join(rows), encoding="utf-8")
    keys, lines = list(texts), []
    for place, name in enumerate(names):
        pool = [keys[(place * 7 + offset) % len(keys)] for offset in range(POOL)]
        lines += [f"{name} Q0 {key} {rank} {POOL - rank} first" for rank, key in enumerate(pool, start=1)]
    run.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return run, corpus, asked


def seconds(files: tuple[Path, Path, Path], **options: Any) -> float:
    """Return the wall-clock seconds of one run. Its output is deleted."""
    out = files[0].with_name("out.txt")
    began = time.perf_counter()
    report = rerank(*files, out, **options)
    taken = time.perf_counter() - began
    assert not report.failures, report.failures[:3]
    out.unlink()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--words", type=int, default=20, help="words of a passage")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--save")
    options = parser.parse_args()
    set_ups: dict[str, dict[str, Any]] = {"1 process": {"workers": 1}, "2 processes": {"workers": 2}}
    if importlib.util.find_spec("ray"):
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        set_ups["2 workers on Ray"] = {"workers": 2, "ray": "auto"}
    taken: dict[str, list[float]] = {name: [] for name in set_ups}
    with tempfile.TemporaryDirectory() as folder:
        files = written(Path(folder), options.pairs, options.words)
        for _ in range(options.rounds):
            for name, each in set_ups.items():
                taken[name].append(seconds(files, config=SearchConfig(threads=1), **each))
                print(name, f"{taken[name][-1]:.1f} s", flush=True)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    result: dict[str, Any] = {
        "pairs": options.pairs,
        "words": options.words,
        "seconds": {name: [round(value, 1) for value in values] for name, values in taken.items()},
        "throughput of 2 processes / 1": round(medians["1 process"] / medians["2 processes"], 3),
    }
    if "2 workers on Ray" in medians:
        result["Ray / 2 processes, seconds"] = round(medians["2 workers on Ray"] / medians["2 processes"], 3)
    print(json.dumps(result, indent=1))
    if options.save:
        data.save(options.save, result)


if __name__ == "__main__":
    main()
