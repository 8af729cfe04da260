"""Query sets in files: BEIR folders, TREC topics, qrels and runs, CSV and JSON lines."""

from __future__ import annotations

from pathlib import Path

from shortlist.errors import InvalidInput
from shortlist.evaluation.datasets.beir import read_beir, write_beir
from shortlist.evaluation.datasets.contrasts import read_contrasts
from shortlist.evaluation.datasets.tables import read_csv, read_jsonl, write_csv, write_jsonl
from shortlist.evaluation.datasets.trec import (
    read_qrels,
    read_run,
    read_topics,
    read_trec,
    write_qrels,
    write_run,
    write_topics,
)
from shortlist.evaluation.query_set import QuerySet

__all__ = [
    "read",
    "read_beir",
    "read_contrasts",
    "read_csv",
    "read_jsonl",
    "read_qrels",
    "read_run",
    "read_topics",
    "read_trec",
    "write_beir",
    "write_csv",
    "write_jsonl",
    "write_qrels",
    "write_run",
    "write_topics",
]


def read(path: Path, *, qrels: Path | None = None, split: str = "test") -> QuerySet:
    """The query set at `path`: a BEIR folder (its `split`), a .jsonl or .csv file, or TREC topics with `qrels`.

    Raises:
        InvalidInput: No such file, `qrels` beside a folder, a row that can't be used, or a set that nothing can be
            measured with.
    """
    if path.is_dir():
        if qrels is not None:
            raise InvalidInput(f"{path} is a BEIR folder, with judgments of its own: leave {qrels} out")
        return read_beir(path, split=split)
    if not path.is_file():
        raise InvalidInput(
            f"there is no query set at {path}: give a BEIR folder, a .csv or .jsonl file, or TREC topics"
        )
    if qrels is not None:
        return read_trec(path, qrels)
    suffix = path.suffix.lower()
    if suffix in {".jsonl", ".ndjson"}:
        return read_jsonl(path)
    if suffix in {".csv", ".tsv"}:
        return read_csv(path)
    raise InvalidInput(f"{path}: TREC topics hold no judgments. Give their qrels file as well")
