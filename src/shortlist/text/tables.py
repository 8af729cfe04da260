"""Tables as text: merged cells are resolved, header rows become one row of names, and the result is Markdown.

Merged cells are placed as in HTML: https://html.spec.whatwg.org/multipage/tables.html#forming-a-table. The Markdown is
that of GitHub: https://github.github.com/gfm/#tables-extension-.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TypeAlias

MOST_COLUMNS = 1000
"""The number of columns that one cell may span, as in HTML."""

_LONGEST_COPY = 120
_LONGEST_NAME = 300
_MOST_COPIED = 1_000_000
_MOST_PLACES = 1_000_000
_MOST_PLACES_PER_CELL = 20
_SPACE = re.compile(r"\s+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_BARE_PIPE = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as its file has it: its text, the rows and columns that it spans, and whether it is marked as a header."""

    text: str = ""
    rows: int = 1
    columns: int = 1
    header: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a grid, and the cell that covers it. `first` is true at the cell's first row and column."""

    cell: Cell
    first: bool = True


_NO_CELL = Slot(Cell(), first=False)
_Interval: TypeAlias = "tuple[int, int, Cell, bool]"


@dataclass
class _Copies:
    """The text for each place of a grid. A cell that spans several places is copied, within a limit for the grid."""

    left: int = field(default=_MOST_COPIED)

    def text(self, place: Slot, *, only_first: bool) -> str:
        text = place.cell.text
        if place.first or not text:
            return text
        copy = text if len(text) <= _LONGEST_COPY else f"{text[:_LONGEST_COPY].rstrip()}…"
        if only_first or len(copy) > self.left:
            return ""
        self.left -= len(copy)
        return copy


def grid(rows: Sequence[Sequence[Cell]]) -> list[list[Slot]]:
    """Return the rows with one place for each row and column. All rows have the same length.

    A column in which no cell begins is left out: a page may let one cell span more columns than its table has. If the
    cells span far more places than there are cells, spans count as one place, and rows may differ in length. No rows
    give an empty list.
    """
    placed = list(_placed(rows))
    columns = sorted({start for row in placed for start, _, _, _ in row})
    cells = sum(map(len, rows))
    if len(columns) * len(placed) > max(_MOST_PLACES, _MOST_PLACES_PER_CELL * cells):
        return [[Slot(cell) for cell in row] for row in rows]
    table: list[list[Slot]] = []
    for row in placed:
        places = [_NO_CELL] * len(columns)
        for start, end, cell, first in reversed(row):  # the first of two cells at one place wins
            left = bisect_left(columns, start)
            for column in range(left, bisect_left(columns, end)):
                places[column] = Slot(cell, first and column == left)
        table.append(places)
    return table


def _placed(rows: Iterable[Sequence[Cell]]) -> Iterator[list[_Interval]]:
    """Yield, for each row, where its cells start and end, those that began in a row above included."""
    above: list[tuple[int, int, int, Cell]] = []  # start, end, rows left, cell
    for row in rows:
        intervals: list[_Interval] = [(start, end, cell, False) for start, end, _, cell in above]
        taken = iter(sorted((start, end) for start, end, _, _ in above))
        following = [(start, end, left - 1, cell) for start, end, left, cell in above if left > 1]
        column, barrier = 0, next(taken, None)
        for cell in row:
            while barrier is not None and barrier[0] <= column:
                column, barrier = max(column, barrier[1]), next(taken, None)
            end = column + min(max(cell.columns, 1), MOST_COLUMNS)
            intervals.append((column, end, cell, True))
            if cell.rows > 1:
                following.append((column, end, cell.rows - 1, cell))
            column = end
        above = following
        yield intervals


def markdown(rows: Sequence[Sequence[Cell]], header_rows: int | None = None) -> str:
    """Return the table as Markdown, or as lines of cells with " | " between them if it has no header row.

    `header_rows` is the number of rows that the file marks as header; None if it marks none. The function then decides
    itself: see `guess_header_rows`. The names of several header rows are joined for each column: "Adult Single". A cell
    over several rows or columns is copied to each of them, a cell over the whole width is not. Rows and columns without
    text are left out. A table of one column has a header if `is_named_column` is true. A table without text gives an
    empty string.
    """
    table = grid(rows)
    count = guess_header_rows(table) if header_rows is None else header_rows
    count = 0 if count >= len(table) else count
    copies = _Copies()
    lines = [[copies.text(place, only_first=_one_cell(row)) for place in row] for row in table]
    lines = [[_SPACE.sub(" ", text).strip() for text in line] for line in lines]
    used = [any(column) for column in zip_longest(*lines)]
    lines = [[text for text, keep in zip(line, used, strict=False) if keep] for line in lines]
    body = [line for line in lines[count:] if any(line)]
    if count and body and (sum(used) > 1 or is_named_column(rows, header_rows)):
        names = [_joined(column) for column in zip_longest(*lines[:count])]
        return "\n".join([row_line(names), delimiter_line(len(names)), *map(row_line, body)])
    return "\n".join(" | ".join(line).strip() for line in lines if any(line))


def is_named_column(rows: Sequence[Sequence[Cell]], header_rows: int | None = None) -> bool:
    """Return whether a table has one column of short texts with a name above them, such as "Users" above "120".

    The first row is the name if it is marked as a header, or if only numbers follow it.
    """
    table = grid(rows)
    used = {column for row in table for column, place in enumerate(row) if place.cell.text.strip()}
    texts = [text for row in table for text in _texts(row)]
    if len(used) != 1 or len(texts) < 2 or max(map(len, texts)) > _LONGEST_COPY:
        return False
    marked = header_rows or _marked_rows(table)
    return bool(marked) or (not _is_number(texts[0]) and all(map(_is_number, texts[1:])))


def row_line(cells: Sequence[str]) -> str:
    """Return one row of a Markdown table. A pipe inside a cell is escaped."""
    return "| " + " | ".join(_BARE_PIPE.sub(r"\\|", cell) for cell in cells) + " |"


def delimiter_line(columns: int) -> str:
    """Return the line between the header and the rows of a Markdown table."""
    return "|" + "-|" * columns


def guess_header_rows(table: Sequence[Sequence[Slot]]) -> int:
    """Return how many of the first rows name the columns: 0 if the first row seems to be data.

    The first row names the columns if its cells are short and marked as headers, or most of them are not numbers; years
    in order are names. The second row belongs to
    the header, too, if a cell of the first row reaches into it, or if it has text exactly below the cells of the first
    row that span several columns, and is not itself data.
    """
    if len(table) < 2 or not table[0] or not _is_short(table[0]):
        return 0
    marked = _marked_rows(table)
    if marked:
        return marked
    if not _could_name(table[0]):
        return 0
    if any(place.cell.header for row in table for place in row) and not _all_headers(table[0]):
        return 0
    tallest = max(place.cell.rows for place in table[0])
    if 1 < tallest < len(table) and all(_could_name(row) for row in table[1:tallest]):
        return tallest
    return 2 if _has_second_header(table) else 1


def _marked_rows(table: Sequence[Sequence[Slot]]) -> int:
    """Return the number of first rows that consist of header cells, or 0 if the whole table does."""
    count = next((number for number, row in enumerate(table) if not _all_headers(row)), len(table))
    return count if count < len(table) else 0


def _all_headers(row: Sequence[Slot]) -> bool:
    cells = [place.cell for place in row if place.cell.text.strip()]
    return bool(cells) and all(cell.header for cell in cells)


def _has_second_header(table: Sequence[Sequence[Slot]]) -> bool:
    first, second = table[0], table[1]
    if len(table) < 3 or not any(place.cell.columns > 1 for place in first):
        return False
    for above, below in zip(first, second, strict=False):
        if bool(below.cell.text.strip()) != (above.cell.columns > 1):
            return False
    single = any(place.cell.columns == 1 for place in first)
    return single or (_could_name(second) and not _could_name(table[2]))


def _could_name(row: Sequence[Slot]) -> bool:
    """Return whether a row has several short texts, most of them no numbers, or years in order."""
    texts = _texts(row)
    years = [text for text in texts if _YEAR.fullmatch(text)]
    are_names = len(years) > 1 and sorted(set(years), reverse=years[0] > years[-1]) == years
    named = sum(not _is_number(text) for text in texts) + len(years) * are_names
    return bool(texts) and _is_short(row) and 2 * named > len(texts)


def _is_short(row: Sequence[Slot]) -> bool:
    return max(map(len, _texts(row)), default=0) <= _LONGEST_NAME


def _texts(row: Sequence[Slot]) -> list[str]:
    texts = [place.cell.text.strip() for place in row if place.first]
    return [text for text in texts if text]


def _is_number(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return digits > 0 and digits >= sum(character.isalpha() for character in text)


def _one_cell(row: Sequence[Slot]) -> bool:
    """Return whether one cell covers the whole row."""
    return len(row) > 1 and all(place.cell is row[0].cell for place in row)


def _joined(names: Iterable[str | None]) -> str:
    return " ".join(dict.fromkeys(name for name in names if name))
