"""Words and lines of a page. The unit is a point (1/72 inch); x grows to the right, and y grows upwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


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


class PageTable(NamedTuple):
    """A table as Markdown, and the places of its characters in the text of the page."""

    text: str
    characters: list[int]


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
