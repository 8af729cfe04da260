"""The cells of a table of a Word file, with the rows and columns that they span."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from shortlist.documents.docx.numbers import W
from shortlist.documents.docx.styles import value
from shortlist.text.tables import MOST_COLUMNS, Cell, grid, guess_header_rows

_LONGEST_LABEL = 120
_TRANSPARENT = frozenset(W + name for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo"))


class Table(NamedTuple):
    """The rows of a table, the number of its header rows (None if unknown), and the elements of its cells in order.

    `places` has the row and the number in it of the cell that each element belongs to.
    """

    rows: list[list[Cell]]
    headers: int | None
    elements: list[Any]
    places: list[tuple[int, int]]

    def labels(self) -> list[str]:
        """Return the first cell of the row and the name of the column for each element: "North, Stock".

        A part that is missing or long is left out.
        """
        table = grid(self.rows)
        count = guess_header_rows(table) if self.headers is None else self.headers
        count = count if count < len(table) else 0
        labels: list[str] = []
        for row, number in self.places:
            column = next((place for place, item in enumerate(table[row]) if item.cell is self.rows[row][number]), 0)
            names = dict.fromkeys(table[above][column].cell.text for above in range(min(count, row)))
            parts = (table[row][0].cell.text if column else "", " ".join(filter(None, names)))
            labels.append(", ".join(dict.fromkeys(part for part in parts if 0 < len(part) <= _LONGEST_LABEL)))
        return labels


def table_rows(table: Any, text_of: Callable[[Any], str]) -> Table:
    """Return the cells of a table, with the text that `text_of` returns for their elements.

    A cell that continues the cell above (vMerge) or the cell before (hMerge) is part of that cell.
    """
    rows: list[list[Cell]] = []
    elements: list[Any] = []
    places: list[tuple[int, int]] = []
    above: dict[int, tuple[int, int]] = {}  # column -> the row and the place of the cell that covers it
    headers = 0
    for element in _children(table, "tr"):
        properties = element.find(f"{W}trPr")
        if properties is not None and properties.find(f"{W}del") is not None:
            continue
        before = _number(value(properties, "gridBefore")) if properties is not None else 0
        row = [Cell(columns=before)] if before else []
        column = before
        here: dict[int, tuple[int, int]] = {}
        for cell in _children(element, "tc"):
            span, merge, joined = _merged(cell)
            elements.append(cell)
            start = above.get(column) if merge == "continue" else None
            if start is not None:
                first = rows[start[0]][start[1]]
                rows[start[0]][start[1]] = replace(first, rows=len(rows) - start[0] + 1)
                place = start
            elif joined and row:
                row[-1] = replace(
                    row[-1], columns=row[-1].columns + span, text=f"{row[-1].text} {text_of(cell)}".strip()
                )
                place = len(rows), len(row) - 1
            else:
                row.append(Cell(text_of(cell), columns=span))
                place = len(rows), len(row) - 1
            places.append(place)
            if merge:
                here |= dict.fromkeys(range(column, column + span), place)
            column += span
        marked = properties is not None and _is_on(properties.find(f"{W}tblHeader"))
        headers += marked and headers == len(rows)
        rows.append(row)
        above = here
    return Table(rows, headers or None, elements, places)


def _merged(cell: Any) -> tuple[int, str, bool]:
    """Return the columns of a cell, "restart" or "continue" if it is merged downwards, and if it continues a row."""
    properties = cell.find(f"{W}tcPr")
    if properties is None:
        return 1, "", False
    span = min(max(_number(value(properties, "gridSpan")), 1), MOST_COLUMNS)
    down, right = properties.find(f"{W}vMerge"), properties.find(f"{W}hMerge")
    merge = "" if down is None else str(down.get(f"{W}val", "continue"))
    return span, merge, right is not None and right.get(f"{W}val", "continue") == "continue"


def _is_on(element: Any) -> bool:
    return element is not None and element.get(f"{W}val", "1") not in ("0", "false", "off")


def _number(text: str) -> int:
    return min(int(text), MOST_COLUMNS) if text.isdecimal() and len(text) < 9 else 0


def _children(element: Any, name: str) -> list[Any]:
    """Return the rows of a table, or the cells of a row, also those in content controls."""
    out: list[Any] = []
    waiting = [element]
    while waiting:
        node = waiting.pop()
        if node is element or node.tag in _TRANSPARENT:
            waiting.extend(reversed(list(node)))
        elif node.tag == W + name:
            out.append(node)
    return out
