"""CPU time of `add` before and after a change: `python benchmarks/adding.py --before ../old/src --save adding.json`.

Both versions add the same files in turn, each in a process of its own and into a new index. The ratio is that of the
sums of the CPU seconds (user and system, with all threads), which do not depend on other work on the machine. The files
are those of `docs/`, as Markdown and as plain text. With `--bi-encoder hashed-32`, the time is that of reading,
splitting and writing alone.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import data

HASHED = "hashed-32"


def seconds_of(source: str, files: Path, bi_encoder: str) -> float:
    """Return the CPU seconds of one `add` of the files into a new index, by the package in `source`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "shortlist", "add", str(files), "--index", str(Path(folder) / "i")]
        command += ["--bi-encoder", bi_encoder] if bi_encoder else []
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": source}, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def copied(folder: Path, pages: int) -> int:
    """Copy pages of the documentation as Markdown and as plain text, and return the number of characters."""
    size = 0
    for page in sorted((data.ROOT / "docs").glob("*.md"))[:pages]:
        text = page.read_text(encoding="utf-8")
        for suffix in (".md", ".txt"):
            (folder / page.with_suffix(suffix).name).write_text(text, encoding="utf-8")
            size += len(text)
    return size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, required=True, help="the src folder of the version to compare with")
    parser.add_argument("--packages", type=Path, help="a folder of packages that the version before needs")
    parser.add_argument("--bi-encoder", nargs="*", default=["", HASHED], help='"" is the packaged one')
    parser.add_argument("--pages", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save")
    options = parser.parse_args()
    before = [options.before, *([options.packages] if options.packages else [])]
    sources = {"before": os.pathsep.join(str(path.resolve()) for path in before), "after": str(data.ROOT / "src")}
    results = []
    with tempfile.TemporaryDirectory() as folder:
        size = copied(Path(folder), options.pages)
        for bi_encoder in options.bi_encoder:
            taken: dict[str, list[float]] = {name: [] for name in sources}
            for number in range(options.rounds):
                for name in sorted(sources, reverse=bool(number % 2)):
                    taken[name].append(round(seconds_of(sources[name], Path(folder), bi_encoder), 2))
            ratio = sum(taken["after"]) / sum(taken["before"])
            row = {
                "bi_encoder": bi_encoder or "packaged",
                "characters": size,
                "rounds": options.rounds,
                "cpu_seconds": taken,
                "ratio": round(ratio, 3),
            }
            print(row, flush=True)
            results.append(row)
    if options.save:
        data.save(options.save, {"results": results})


if __name__ == "__main__":
    main()
