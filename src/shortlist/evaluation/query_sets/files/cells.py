"""The rows of a CSV file, and the error for a quote that is not closed, which would hide the rows below it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from shortlist.documents.csv_quotes import NAMED_DELIMITER, parsed_rows
from shortlist.errors import InvalidInput


class _Lines:
    """The lines of a file below a line `sep=;`, and the number and the text of the last one that was read."""

    def __init__(self, text: Iterable[str]) -> None:
        lines = list(text)
        self.above = int(bool(lines) and NAMED_DELIMITER.fullmatch(lines[0]) is not None)
        self.number = self.above
        self.last = ""
        self._below = lines[self.above :]

    def __iter__(self) -> Iterator[str]:
        for line in self._below:
            self.number += 1
            self.last = line
            yield line


def rows_of(text: Iterable[str], delimiter: str, file: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the place of each row ("q.csv line 3", its last line) and its cells. A blank line has none.

    Odd quotes on a single line are read as they stand. A first line `sep=;` is no row.

    Raises:
        InvalidInput: A quote is not closed, or the csv module cannot read a row.
    """
    lines = _Lines(text)
    for row in parsed_rows(lines, lines, delimiter, csv.field_size_limit(), lines.above):
        place = f"{file} line {row.first}"
        if row.is_open:
            raise InvalidInput(
                f"{place}: a quote is not closed ({row.error}): close it, or write a quote inside a text twice, "
                "between quotes"
            )
        if row.cells is None:
            raise InvalidInput(f"{place} is not readable as CSV: {row.error}")
        yield f"{file} line {row.last}", row.cells
