"""Query sets in files: BEIR folders, TREC topics, qrels and runs, CSV and JSON lines."""

from __future__ import annotations

from pathlib import Path

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.beir import read_beir, write_beir
from shortlist.evaluation.query_sets.files.contrasts import read_contrasts
from shortlist.evaluation.query_sets.files.tables import read_csv, read_jsonl, write_csv, write_jsonl
from shortlist.evaluation.query_sets.files.trec import (
    read_qrels,
    read_run,
    read_topics,
    read_trec,
    write_qrels,
    write_run,
    write_topics,
    write_trec,
)
from shortlist.evaluation.query_sets.query_set import QuerySet

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
    "write",
    "write_beir",
    "write_csv",
    "write_jsonl",
    "write_qrels",
    "write_run",
    "write_topics",
    "write_trec",
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
    raise InvalidInput(f"{path}: TREC topics hold no judgments. Give their qrels file as well (--qrels FILE)")


def write(made: QuerySet, path: Path, *, qrels: Path | None = None, split: str = "test") -> list[Path]:
    """Writes the set in the form that `read` takes back from there; returns the files.

    TREC topics where `qrels` names a file for their judgments; else JSON lines or CSV by the extension, and a BEIR
    folder (its `split`) where there is none. `unjudged` is a count and is not written.

    Raises:
        InvalidInput: Another extension, a file that is there already or can't be written, or a set that the form has
            no place for; what that is the writer of each form says.
    """
    suffix = path.suffix.lower()
    if qrels is None and (path.is_dir() or not suffix):
        files = [path / "queries.jsonl", path / "qrels" / f"{split}.tsv"]
    elif qrels is not None or suffix in {".jsonl", ".ndjson", ".csv"}:
        files = [path] if qrels is None else [path, qrels]
    else:
        raise InvalidInput(f"{path}: name a .jsonl or .csv file, a BEIR folder, or a file for the qrels of TREC topics")
    if there := [file for file in files if file.exists()]:
        raise InvalidInput(f"{there[0]} is there already: delete it, or name another")
    try:
        if qrels is not None:
            write_trec(made, path, qrels)
        elif len(files) > 1:
            write_beir(made, path, split=split)
        else:
            (write_csv if suffix == ".csv" else write_jsonl)(made, path)
    except InvalidInput:
        for file in files:
            file.unlink(missing_ok=True)
        raise
    return files
