"""The rows of a CSV file with odd quotes: quotes inside a cell, and quotes that are not closed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

NAMED_DELIMITER = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
"""A first line that names the delimiter, as Excel writes and reads it."""


class LastLine(Protocol):
    """The last line that the csv module has read: its number, from 1, and its text."""

    number: int
    last: str


class NumberedLines:
    """Lines below `above` others, and the place of the last one that was read. Satisfies `LastLine`."""

    def __init__(self, lines: Iterable[str], above: int = 0) -> None:
        self.number, self.last = above, ""
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number, self.last = self.number + 1, line
            yield line


class ParsedRow(NamedTuple):
    """The cells of a row, or None if it has none that can be read. A blank line has the cells [].

    `first` and `last` are the numbers of its lines, and `error` is the message of the csv module, or "". `is_open` is
    True if a quote is not closed. The row then includes the lines below it, and has no cells unless it is the last one.
    """

    cells: list[str] | None
    first: int
    last: int
    error: str = ""
    is_open: bool = False


def parsed_rows(lines: Iterable[str], place: LastLine, delimiter: str, longest: int, above: int) -> Iterator[ParsedRow]:
    """Yield the rows of the lines. Odd quotes on a single line stay unchanged.

    The lines move `place`. `longest` is the limit of a cell, and `above` is the number of lines above the first one.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    before = above
    while True:
        usual = csv.field_size_limit(longest)
        try:
            cells = next(reader, None)
            row = None if cells is None else ParsedRow(cells, before + 1, place.number)
        except csv.Error as error:
            row = _odd_row(place, before + 1, delimiter, str(error))
        finally:
            csv.field_size_limit(usual)
        if row is None:
            return
        before = place.number
        yield row


def _odd_row(place: LastLine, first: int, delimiter: str, error: str) -> ParsedRow:
    """Return the row that the strict reader refuses. An open quote takes in an empty line below it: one row is open."""
    if place.number > first:
        return ParsedRow(None, first, place.number, error, is_open=True)
    try:
        rows = list(csv.reader([place.last, ""], delimiter=delimiter))
    except csv.Error as other:
        return ParsedRow(None, first, first, str(other))
    if len(rows) > 1:
        return ParsedRow(rows[0], first, first, error)
    return ParsedRow(next(csv.reader([place.last], delimiter=delimiter), []), first, first, error, is_open=True)
