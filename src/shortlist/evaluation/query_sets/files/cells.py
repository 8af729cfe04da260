"""The rows of a CSV file, and the error for a quote that is not closed, which would hide the rows below it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from shortlist.errors import InvalidInput


def rows_of(text: Iterable[str], delimiter: str, file: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the place of each row ("q.csv line 3", its last line) and its cells. A blank line has none.

    Odd quotes on a single line are read as they stand.

    Raises:
        InvalidInput: A quote is not closed, or the csv module cannot read a row.
    """
    lines = list(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        before = reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            cells = _mended(lines[before : reader.line_num], delimiter, f"{file} line {before + 1}", error)
        if cells is None:
            return
        yield f"{file} line {reader.line_num}", cells


def _mended(lines: Sequence[str], delimiter: str, place: str, error: csv.Error) -> list[str]:
    """Return the cells of a single line with odd quotes. Over several lines, the quote is not closed.

    An open quote includes the line after it. A second line shows whether this happens.
    """
    try:
        rows = list(csv.reader([*lines, ""], delimiter=delimiter)) if len(lines) == 1 else []
    except csv.Error:
        raise InvalidInput(f"{place} is not readable as CSV: {error}") from error
    if len(rows) < 2:
        raise InvalidInput(
            f"{place}: a quote is not closed ({error}): close it, or write a quote inside a text twice, between quotes"
        ) from error
    return rows[0]
