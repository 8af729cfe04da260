"""Query sets in files: BEIR folders, TREC topics, qrels and runs, CSV and JSON lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.beir import read_beir, write_beir
from shortlist.evaluation.query_sets.files.contrasts import read_contrasts
from shortlist.evaluation.query_sets.files.rows import Encodings, suffix_of
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


def read(path: Path, *, qrels: Path | None = None, split: str = "test", encoding: str = "") -> QuerySet:
    """Read the query set at `path`: a BEIR folder (its `split`), a .jsonl or .csv file, or TREC topics with `qrels`.

    Files may be in gzip. `encoding` is that of files that are not UTF-8. Without it, the encoding is a guess, which
    `QuerySet.guessed` names.

    Raises:
        InvalidInput: There is no such file, `qrels` was given with a folder, the encoding is unknown or does not fit, a
            row cannot be used, or nothing can be measured with the set.
    """
    encodings = Encodings.named(encoding)
    query_set = _read(path, qrels, split, encodings)
    return replace(query_set, guessed=encodings.guessed) if encodings.guessed else query_set


def _read(path: Path, qrels: Path | None, split: str, encodings: Encodings) -> QuerySet:
    if path.is_dir():
        if qrels is not None:
            raise InvalidInput(f"{path} is a BEIR folder with judgments of its own: leave out qrels ({qrels})")
        return read_beir(path, split=split, encodings=encodings)
    if not path.is_file():
        raise InvalidInput(
            f"there is no query set at {path}: give a BEIR folder, a .csv or .jsonl file, or TREC topics"
        )
    if qrels is not None:
        return read_trec(path, qrels, encodings)
    suffix = suffix_of(path)
    if suffix in {".jsonl", ".ndjson"}:
        return read_jsonl(path, encodings)
    if suffix in {".csv", ".tsv"}:
        return read_csv(path, encodings)
    raise InvalidInput(
        f"qrels is missing, and {path} can only be TREC topics, which need qrels: give a BEIR folder, a .csv, .tsv or "
        ".jsonl file, or TREC topics with the file of their judgments",
        field="qrels",
    )


def write(query_set: QuerySet, path: Path, *, qrels: Path | None = None, split: str = "test") -> list[Path]:
    """Write the set in the form that `read` reads from the same path, and return the files.

    With `qrels`, the form is TREC topics and their judgments. Otherwise the extension selects JSON lines or CSV. A path
    without an extension selects a BEIR folder (its `split`). The count `unjudged` is not written.

    Raises:
        InvalidInput: Another extension, a file that already exists or cannot be written, or a set that the form cannot
            represent. See the writer of each form.
    """
    suffix = path.suffix.lower()
    if qrels is None and (path.is_dir() or not suffix):
        files = [path / "queries.jsonl", path / "qrels" / f"{split}.tsv"]
    elif qrels is not None or suffix in {".jsonl", ".ndjson", ".csv"}:
        files = [path] if qrels is None else [path, qrels]
    else:
        raise InvalidInput(f"{path}: name a .jsonl or .csv file, a BEIR folder, or a file for the qrels of TREC topics")
    if existing := [file for file in files if file.exists()]:
        raise InvalidInput(f"{existing[0]} already exists: delete it, or name another file")
    try:
        if qrels is not None:
            write_trec(query_set, path, qrels)
        elif len(files) > 1:
            write_beir(query_set, path, split=split)
        else:
            (write_csv if suffix == ".csv" else write_jsonl)(query_set, path)
    except InvalidInput:
        for file in files:
            file.unlink(missing_ok=True)
        raise
    return files
