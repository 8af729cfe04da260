"""Whether the first row of a CSV file names its columns, or is a row like the others.

`csv.Sniffer.has_header` is not used: it compares lengths of cells, and takes a file of texts without names for one with
names, and the other way round.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

SAMPLE_ROWS = 50
"""The number of rows after the first one that are compared with it."""

_KINDS = {
    "year": re.compile(r"(?:19|20)\d\d"),
    "moment": re.compile(
        r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2}(?:[T ]\d{1,2}:\d\d\S*)?)?|"
        r"\d{1,2}([-/.])\d{1,2}\1\d{2,4}(?: \d{1,2}:\d\d\S*)?|"
        r"\d{1,2}:\d\d(?::\d\d)?|\d{1,2}\.?[ -][^\W\d]{3,9}\.?[ -]\d{2,4}"
    ),
    "address": re.compile(r"https?://\S+|[^\s@]+@[^\s@]+\.\w+"),
    "number": re.compile(r"[^\w]*\d(?:[^\w]|\d)*"),
}
_MISSING = re.compile(r"(?:n/?a|nan|null|none|nil|unknown|[-?.*]+)", re.IGNORECASE)
_PLAIN = re.compile(r"[0-9]{1,9}")
_END = re.compile(r"[.!\u3002\uff01\u2026][\"'\u201d\u2019\u00bb)]*\Z")
_SPACELESS = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_FEWEST_WORDS = 5
_FEWEST_SIGNS = 15
_LONGEST_NAME = 300
_MOST = 0.8
_HALF = 0.5
_FEWEST_NAMES = 3
"""Numbers with equal steps name columns if there are so many of them. Two numbers often have a step of 1 by chance."""


def is_data(first: Sequence[str], rows: Sequence[Sequence[str]], names: frozenset[str]) -> bool:
    """Return whether the first row is data: it is like the rows below it in a way in which names of columns are not.

    A row with one of the usual `names` of columns names them, and so does a row with a text above numbers or dates.
    Another row is data if one of its cells is a number, a date or an address as the cells below it, if it has
    sentences above sentences, or if several of its texts occur again in their columns. Numbers with equal steps, such
    as 0, 1, 2, and years above other numbers are names. In doubt, the row names the columns.
    """
    cells = [cell.strip() for cell in first]
    if any(cell.lower() in names for cell in cells):
        return False
    below = [[row[place].strip() for row in rows if place < len(row)] for place in range(len(cells))]
    columns = [[cell for cell in column if cell and not _MISSING.fullmatch(cell)] for column in below]
    if any(_names(cell, column) for cell, column in zip(cells, columns, strict=True)):
        return False
    if not cells[0] and columns[0] and _share(columns[0], "number") >= _MOST:  # the index of a data frame
        return False
    kinds = {place: kind for place, cell in enumerate(cells) if (kind := _kind(cell))}
    like = [place for place, kind in kinds.items() if _share(columns[place], kind) >= _MOST or not rows]
    sentences = [place for place, cell in enumerate(cells) if _is_sentence(cell) and _are_sentences(columns[place])]
    if sentences or (like and not _is_series([cells[place] for place in kinds])):
        return True
    again = sum(cells[place] in column for place, column in enumerate(_others(cells, rows)) if cells[place])
    return again > 1 or (again == 1 and (len(cells) == 1 or any(map(_is_sentence, cells))))


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of cells that most rows have, or the larger one of two that are as frequent."""
    counts = Counter(map(len, rows))
    return max(counts, key=lambda width: (counts[width], width))


def _kind(cell: str) -> str:
    """Return "year", "moment", "address" or "number" for a cell that is one, or ""."""
    return (
        next((name for name, form in _KINDS.items() if form.fullmatch(cell)), "") if len(cell) <= _LONGEST_NAME else ""
    )


def _share(column: Sequence[str], kind: str) -> float:
    """Return the share of cells of a kind. A year is a number, too."""
    kinds = (kind, "year") if kind == "number" else (kind,)
    return sum(_kind(cell) in kinds for cell in column) / len(column) if column else 0.0


def _names(cell: str, column: Sequence[str]) -> bool:
    """Return whether a cell is a short text above cells of one kind."""
    if not cell or _kind(cell) or _MISSING.fullmatch(cell) or _is_sentence(cell):
        return False
    return any(_share(column, kind) >= _MOST for kind in _KINDS)


def _is_series(cells: Sequence[str]) -> bool:
    """Return whether cells are whole numbers with equal steps."""
    numbers = [int(cell) for cell in cells if _PLAIN.fullmatch(cell)]
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) == len(cells) >= _FEWEST_NAMES and len(steps) == 1 and 0 not in steps


def _is_sentence(cell: str) -> bool:
    """Return whether a text ends as a sentence and has several words, or is too long for a name."""
    if len(cell) > _LONGEST_NAME or not _END.search(cell):
        return len(cell) > _LONGEST_NAME
    return len(cell.split()) >= _FEWEST_WORDS or len(_SPACELESS.findall(cell)) >= _FEWEST_SIGNS


def _are_sentences(column: Sequence[str]) -> bool:
    return bool(column) and sum(map(_is_sentence, column)) >= _HALF * len(column)


def _others(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> list[set[str]]:
    """Return the texts of each column in the rows that do not repeat the whole first row, as joined files do."""
    stripped = [[cell.strip() for cell in row] for row in rows]
    different = [row for row in stripped if row != list(cells) or len(cells) == 1]
    return [{row[place] for row in different if place < len(row)} for place in range(len(cells))]


def unique(header: Sequence[str]) -> list[str]:
    """Return the names of the columns, with a number for a name that is missing or repeated."""
    columns: list[str] = []
    for number, cell in enumerate(header, start=1):
        name = cell.strip() or f"column {number}"
        columns.append(name if name not in columns else f"{name} {number}")
    return columns
