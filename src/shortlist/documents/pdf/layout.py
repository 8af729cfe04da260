"""Words and lines of a page. The unit is a point (1/72 inch); x grows to the right, and y grows upwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from shortlist.text.tables import Cell, markdown

_SAME = 6.0
_PIPE = re.compile(r" ?(?<!\\)\| ?")


@dataclass
class Word:
    """A word, its box on the page, and the places of its characters in the text of the page."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    places: list[int]

    @property
    def height(self) -> float:
        """The height of the box."""
        return self.top - self.bottom

    @property
    def middle(self) -> float:
        """The height of the middle above the bottom of the page."""
        return (self.bottom + self.top) / 2

    def continues(self, left: float, bottom: float, top: float) -> bool:
        """Return whether a character with this left edge and height is the next one of the word."""
        gap = left - self.right
        return -self.height < gap < 0.3 * max(self.height, 1.0) and bottom < self.middle < top

    def add(self, place: int, character: str, right: float, bottom: float, top: float) -> None:
        """Add a character at the end."""
        self.text += character
        self.places.append(place)
        self.right = max(self.right, right)
        self.bottom, self.top = min(self.bottom, bottom), max(self.top, top)


class Rule(NamedTuple):
    """A straight line, as a thin box."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def is_horizontal(self) -> bool:
        """Whether the line is wider than high."""
        return self.right - self.left > self.top - self.bottom


@dataclass(frozen=True)
class PageTable:
    """A table: its rows, the words in it, and where it ends at the left and at the right.

    `header` are the names of its columns if an earlier page has them.
    """

    rows: list[list[Cell]]
    words: list[Word]
    left: float
    right: float
    header: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The table as Markdown."""
        names = [Cell(name) for name in self.header]
        return markdown([names, *self.rows], 1) if names else markdown(self.rows)

    @property
    def characters(self) -> list[int]:
        """The places of its characters in the text of the page."""
        return [place for word in self.words for place in word.places]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, or none if it has no header."""
        first, *others = self.text.split("\n")
        return tuple(_PIPE.split(first)[1:-1]) if others and not others[0].strip("|-") else ()

    @property
    def top(self) -> float:
        """The top of its highest word."""
        return max(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        """The bottom of its lowest word."""
        return min(word.bottom for word in self.words)

    def continuing(self, above: PageTable | None) -> PageTable:
        """Return the table with the header of the table that ends the page before, if it continues that table."""
        names = above.names if above is not None else ()
        width = max(sum(cell.columns for cell in row) for row in self.rows)
        if above is None or len(names) != width or abs(above.left - self.left) > _SAME:
            return self
        repeated = tuple(cell.text for cell in self.rows[0]) == names or self.names == names
        return self if repeated else replace(self, header=names)


def paired(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Return the rows with the names of columns above their values.

    Some files draw a further line between the place of a name and the place of its values. The column with the name
    and the next column, which has values and no name, are then one column.
    """
    width = len(rows[0]) if rows else 0
    if width < 3 or any(len(row) != width or any(cell.rows * cell.columns > 1 for cell in row) for row in rows):
        return rows
    names, *body = rows
    drop: set[int] = set()
    for place in range(width - 1):
        named = names[place].text and not names[place + 1].text
        values = not any(row[place].text for row in body) and any(row[place + 1].text for row in body)
        if named and values and place not in drop:
            names[place + 1] = names[place]
            drop.add(place)
    return [[cell for place, cell in enumerate(row) if place not in drop] for row in rows] if drop else rows


def lines_of(words: Iterable[Word]) -> Iterator[list[Word]]:
    """Yield the words of each line from left to right, the lines from the top. A line is words at about one height."""
    line: list[Word] = []
    for word in sorted(words, key=lambda word: (-word.middle, word.left)):
        if line and not line[0].bottom < word.middle < line[0].top:
            yield sorted(line, key=lambda word: word.left)
            line = []
        line.append(word)
    if line:
        yield sorted(line, key=lambda word: word.left)


def text_of(words: Iterable[Word]) -> str:
    """Return the text of some words, line by line, as one line."""
    return " ".join(word.text for line in lines_of(words) for word in line)
