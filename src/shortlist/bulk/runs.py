"""Runs in files: TREC runs, and Parquet with the columns query_id, passage_id and score."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from shortlist.bulk.texts import PARQUET, parquet_rows
from shortlist.documents.export import check_format
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files import read_run

QUERIES, PASSAGES, SCORES = ("query_id", "qid"), ("passage_id", "docid", "doc_id", "id"), ("score",)
ROWS_PER_GROUP = 1 << 16


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row of the output. `rank` counts from 1. `retrieval_rank` and `retrieval_score` are those of the input."""

    query_id: str
    passage_id: str
    rank: int
    score: float
    truncated: bool
    retrieval_rank: int
    retrieval_score: float


def read(file: Path) -> dict[str, dict[str, float]]:
    """Return query id -> passage id -> score, each query's passages best first. Equal scores keep their order.

    Raises:
        InvalidInput: The file cannot be read, lacks a column, or a row cannot be used; see also `read_run`.
        MissingExtra: A Parquet file, and pyarrow is not installed.
    """
    if not file.is_file():
        raise InvalidInput(f"there is no run at {file}: give a TREC run, or a {PARQUET} file")
    run = _of_parquet(file) if file.suffix.lower() == PARQUET else read_run(file)
    if not run:
        raise InvalidInput(f"{file} has no rows")
    return {query: dict(sorted(scores.items(), key=lambda row: -row[1])) for query, scores in run.items()}


def _of_parquet(file: Path) -> dict[str, dict[str, float]]:
    run: dict[str, dict[str, float]] = {}
    for number, row in enumerate(parquet_rows(file, [(QUERIES, True), (PASSAGES, True), (SCORES, True)])):
        query, key, score = row
        if query is None or key is None:
            raise InvalidInput(f"{file} row {number}: an id is missing")
        if not isinstance(score, int | float) or not math.isfinite(score):
            raise InvalidInput(f"{file} row {number}: score {score!r} is not a finite number")
        scores = run.setdefault(str(query), {})
        if str(key) in scores:
            raise InvalidInput(f"{file} row {number}: passage {str(key)!r} occurs twice in query {str(query)!r}")
        scores[str(key)] = float(score)
    return run


def check_output(file: Path, ids: Iterable[str]) -> None:
    """Check that a run with these ids can be written, before the work begins.

    Raises:
        InvalidInput: A TREC run cannot hold one of the ids.
        MissingExtra: A Parquet file, and pyarrow is not installed.
    """
    if file.suffix.lower() == PARQUET:
        check_format(file)
        return
    for key in ids:
        if key.split() != [key]:
            raise InvalidInput(
                f"a TREC run cannot hold the id {key!r}, because white space separates its columns: name a {PARQUET} "
                "file"
            )


def write(rows: Iterable[Ranked], file: IO[bytes], suffix: str, tag: str) -> int:
    """Write the rows as Parquet or as a TREC run, and return their number. `tag` is the last column of a TREC run."""
    return _write_parquet(rows, file) if suffix.lower() == PARQUET else _write_trec(rows, file, tag)


def _write_trec(rows: Iterable[Ranked], file: IO[bytes], tag: str) -> int:
    count = 0
    name = "".join(tag.split()) or "shortlist"
    for row in rows:
        file.write(f"{row.query_id} Q0 {row.passage_id} {row.rank} {row.score!r} {name}\n".encode())
        count += 1
    return count


def _write_parquet(rows: Iterable[Ranked], file: IO[bytes]) -> int:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    text, whole, real = pyarrow.string(), pyarrow.int32(), pyarrow.float64()
    types = (text, text, whole, real, pyarrow.bool_(), whole, real)
    schema = pyarrow.schema(list(zip(Ranked.__slots__, types, strict=True)))
    count = 0
    with ParquetWriter(file, schema) as writer:
        for group in _groups(rows):
            columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in group] for name in schema.names}
            writer.write_table(pyarrow.Table.from_pydict(columns, schema))
            count += len(group)
    return count


def _groups(rows: Iterable[Ranked]) -> Iterator[list[Ranked]]:
    group: list[Ranked] = []
    for row in rows:
        group.append(row)
        if len(group) == ROWS_PER_GROUP:
            yield group
            group = []
    if group:
        yield group
