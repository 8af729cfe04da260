"""The texts of a FAISS index: a file with one row for each vector."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput, StoreNotFound
from shortlist.stores.fields import USUAL
from shortlist.text.csv_header import SAMPLE_ROWS, is_data, unique
from shortlist.text.csv_quotes import NumberedLines, ParsedRow, parsed_rows

USUAL_NAMES = frozenset(name for names in USUAL.values() for name in names)


def read_texts(file: Path, store: str) -> list[dict[str, Any]]:
    """Return the rows of a text file, in their order.

    ".jsonl" has one JSON object in a line, ".json" a list of objects, ".csv" and ".tsv" a line with the names of the
    fields, and ".txt" one text in a line, whose field is "text". A string in a JSON list is a text too. If the first
    line of a table is like the others, the fields are "column 1", "column 2" and so on: see `csv_header.is_data`.

    Raises:
        InvalidInput: Another format, or a line that cannot be read: the message has its number.
        StoreNotFound: No such file.
    """
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise InvalidInput(f"{store}: the texts are in {file.name!r}: give a file that ends with {', '.join(READERS)}")
    if not file.is_file():
        raise StoreNotFound(f"{store}: there is no file {str(file)!r}")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return reader(stream)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{store}: {file.name} is not UTF-8: {error.reason} at byte {error.start}") from error
    except (ValueError, csv.Error) as error:
        raise InvalidInput(f"{store}: {file.name} cannot be read: {error}") from error


def _json_lines(stream: Any) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(stream, start=1):
        if line.strip():
            try:
                rows.append(_row(json.loads(line)))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
    return rows


def _json(stream: Any) -> list[dict[str, Any]]:
    rows = json.load(stream)
    if not isinstance(rows, list):
        raise ValueError("it is no list")
    return [_row(row) for row in rows]


def _row(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r:.80} is neither an object nor a text")
    return dict(value)


def _csv(delimiter: str) -> Callable[[Any], list[dict[str, Any]]]:
    def read(stream: Any) -> list[dict[str, Any]]:
        lines = NumberedLines(stream)
        rows = [row for row in parsed_rows(lines, lines, delimiter, csv.field_size_limit(), 0) if row.cells != []]
        cells = [_cells(row, rows[0]) for row in rows]
        if not cells:
            return []
        has_names = not is_data(cells[0], cells[1 : SAMPLE_ROWS + 1], USUAL_NAMES)
        columns = unique(cells.pop(0) if has_names else [""] * len(cells[0]))
        return [{name: value for name, value in zip(columns, row, strict=True) if value != ""} for row in cells]

    return read


def _cells(row: ParsedRow, first: ParsedRow) -> list[str]:
    if row.is_open or row.cells is None:
        raise ValueError(f"line {row.first}: {'a quote is not closed' if row.is_open else row.error}")
    if first.cells is not None and len(row.cells) != len(first.cells):
        raise ValueError(f"line {row.last}: another number of fields than in the first line")
    return row.cells


def _lines(stream: Any) -> list[dict[str, Any]]:
    return [{"text": line.rstrip("\r\n")} for line in stream]


READERS: Mapping[str, Callable[[Any], list[dict[str, Any]]]] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": _csv(","),
    ".tsv": _csv("\t"),
    ".txt": _lines,
}
"""Ending -> a function that reads the rows."""
