"""Rows of a CSV file with more cells than the header, because a separator stands in a text without quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[-+(]?[\d.,\s]*\d[\d.,\s]*[%)]?")
"""A cell that is a number, with signs and separators of thousands."""


class Columns:
    """The columns of a table, and what their cells have been so far. `text` is the column of the text, or ""."""

    def __init__(self, names: Sequence[str], text: str = "") -> None:
        self.names = list(names)
        self._text = self.names.index(text) if text else -1
        self._rows = 0
        self._numbers = [0] * len(self.names)
        self._characters = [0] * len(self.names)

    def saw(self, cells: Sequence[str]) -> None:
        """Remember a row that fits the header."""
        self._rows += 1
        for place, cell in enumerate(cells[: len(self.names)]):
            self._numbers[place] += bool(_NUMBER.fullmatch(cell.strip()))
            self._characters[place] += len(cell)

    def fitted(self, cells: Sequence[str], delimiter: str) -> tuple[list[str], str]:
        """Return the cells with one column for several of them, and the name of that column. Nothing is left out.

        The column is the one with which the other cells fit the rows before: numbers where numbers were, and texts
        where texts were. Of columns that fit equally well, it is the column of the text, or else the one with the
        longest cells so far, or else the last one. A cell that begins with a space belongs to the cell before it, as
        in "Bolts, steel".
        """
        cells = list(cells)
        while len(cells) > len(self.names) and not cells[-1].strip():
            cells.pop()
        extra = len(cells) - len(self.names)
        best = max(range(len(self.names)), key=lambda place: self._worth(place, cells, extra))
        joined = delimiter.join(cells[best : best + extra + 1])
        return [*cells[:best], joined, *cells[best + extra + 1 :]], self.names[best]

    def _worth(self, place: int, cells: Sequence[str], extra: int) -> tuple[int, int, bool, float, int]:
        others = [*cells[:place], "", *cells[place + extra + 1 :]]
        fitting = sum(
            bool(_NUMBER.fullmatch(cell.strip())) == (2 * self._numbers[column] > self._rows)
            for column, cell in enumerate(others)
            if self._rows
        )
        taken = cells[place + 1 : place + extra + 1]
        after_space = sum(cell[:1] == " " for cell in taken) - sum(
            cell[:1] == " " for cell in [*cells[1 : place + 1], *cells[place + extra + 1 :]]
        )
        mean = self._characters[place] / self._rows if self._rows else 0.0
        return fitting, after_space, place == self._text, mean, place
