"""The texts of queries, by id, for bulk work. Judgments are not needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shortlist.bulk.texts import PARQUET, parquet_rows
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.cells import rows_of
from shortlist.evaluation.query_sets.files.rows import Encodings, objects_of, suffix_of, table_of, text_of
from shortlist.evaluation.query_sets.files.trec import read_topics

IDS, TEXTS = ("id", "_id", "query_id", "qid"), ("text", "query")


def queries_in(path: Path, encodings: Encodings) -> dict[str, str]:
    """Return query id -> text.

    The file is a BEIR folder or a .jsonl file with "id" or "_id" and "text" or "query", a .csv, .tsv or .parquet file
    with such columns, or TREC topics. `encodings` has the encoding of a file that is not UTF-8, and gets the guess for
    this file.

    Raises:
        InvalidInput: There is no such file, a row cannot be used, or an id has two texts.
        MissingExtra: A Parquet file, and pyarrow is not installed.
    """
    file = path / "queries.jsonl" if path.is_dir() else path
    if not file.is_file():
        raise InvalidInput(f"there is no file with queries at {path}: give .jsonl, .csv, .parquet, or TREC topics")
    queries: dict[str, str] = {}
    for place, key, text in _rows(file, encodings):
        if not key.strip() or not text.strip():
            raise InvalidInput(f"{place}: a query needs an id and a text")
        if queries.setdefault(key, text) != text:
            raise InvalidInput(f"{place}: query {key!r} has another text in an earlier row")
    return queries


def _rows(file: Path, encodings: Encodings) -> Iterator[tuple[str, str, str]]:
    """Yield the place, the id and the text of each query."""
    suffix = suffix_of(file)
    if suffix in (".jsonl", ".ndjson"):
        for place, record in objects_of(file, encodings):
            yield place, _first(record, IDS), _first(record, TEXTS)
    elif suffix == PARQUET:
        for number, (key, text) in enumerate(parquet_rows(file, [(IDS, True), (TEXTS, True)])):
            yield f"{file} row {number}", str(key or ""), str(text or "")
    elif suffix == ".csv" or (suffix == ".tsv" and _has_header(file, encodings)):
        yield from _of_csv(file, encodings)
    else:
        yield from ((f"{file} query {key!r}", key, text) for key, text in read_topics(file, encodings).items())


def _first(record: dict[str, object], names: tuple[str, ...]) -> str:
    """Return the first of these fields that is a text or a number, or an empty string."""
    values = (record.get(name) for name in names)
    usable = (value for value in values if isinstance(value, str | int) and not isinstance(value, bool))
    return str(next(usable, ""))


def _has_header(file: Path, encodings: Encodings) -> bool:
    cells = {cell.strip().lower() for cell in text_of(file, encodings).partition("\n")[0].split("\t")}
    return bool(cells & set(IDS)) and bool(cells & set(TEXTS))


def _of_csv(file: Path, encodings: Encodings) -> Iterator[tuple[str, str, str]]:
    text, delimiter = table_of(file, lambda names: len(names & {*IDS, *TEXTS}), encodings)
    rows = rows_of(text, delimiter, file)
    columns = [name.strip().lower() for name in next(rows, ("", []))[1]]
    if not set(columns) & set(IDS) or not set(columns) & set(TEXTS):
        raise InvalidInput(f"{file}: the first row must name id, and text or query; it names {', '.join(columns)}")
    for place, cells in rows:
        if cells:
            row: dict[str, object] = dict(zip(columns, cells, strict=False))
            yield place, _first(row, IDS), _first(row, TEXTS)
