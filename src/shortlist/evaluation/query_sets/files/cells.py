"""The rows of a CSV file, and the error for a quote that is not closed, which would hide the rows below it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from shortlist.errors import InvalidInput
from shortlist.text.csv_quotes import NAMED_DELIMITER, NumberedLines, parsed_rows


def rows_of(text: Iterable[str], delimiter: str, file: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the place of each row ("q.csv line 3", its last line) and its cells. A blank line has none.

    Odd quotes on a single line are read as they stand. A first line `sep=;` is no row.

    Raises:
        InvalidInput: A quote is not closed, or the csv module cannot read a row.
    """
    lines = list(text)
    above = int(bool(lines) and NAMED_DELIMITER.fullmatch(lines[0]) is not None)
    below = NumberedLines(lines[above:], above)
    for row in parsed_rows(below, below, delimiter, csv.field_size_limit(), above):
        place = f"{file} line {row.first}"
        if row.is_open:
            raise InvalidInput(
                f"{place}: a quote is not closed ({row.error}): close it, or write a quote inside a text twice, "
                "between quotes"
            )
        if row.cells is None:
            raise InvalidInput(f"{place} is not readable as CSV: {row.error}")
        yield f"{file} line {row.last}", row.cells
