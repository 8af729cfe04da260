"""Pieces of a text, and whether they fit in a number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Cost: TypeAlias = Callable[[str], int]
"""The number of tokens of a text."""

Chunk: TypeAlias = Callable[[str, int], Iterator[tuple[int, str]]]
"""Splits a text into pieces of at most so many tokens, each with its character offset."""

_LEAST_ROOM = 4


class Piece(NamedTuple):
    """A part of a text in character offsets, and the names to repeat before it."""

    start: int
    end: int
    head: str = ""


@dataclass(frozen=True)
class Fit:
    """The room of a piece in tokens, and how to measure and to cut a text."""

    room: int
    cost: Cost
    chunk: Chunk

    def tokens(self, text: str) -> int:
        """Return the number of tokens that a text adds to another one."""
        return self.cost(text) - self.cost("")

    def short(self, text: str, most: int) -> str:
        """Return the text, or its beginning and "…" if it has more than `most` tokens."""
        if self.tokens(text) <= most:
            return text
        while text and (tokens := self.tokens(f"{text}…")) > most:
            text = text[: min(len(text) - 1, len(text) * most // tokens)].rstrip()
        return f"{text}…" if text else ""

    def fits(self, head: str, text: str, start: int, end: int) -> bool:
        """Return whether a part of a text fits below a head."""
        return self.cost(head + text[start:end]) <= self.room

    def pieces(self, text: str, start: int, end: int, head: str) -> Iterator[Piece]:
        """Yield a part of a text in chunks, each with the same head, or with a shorter one if there is no room."""
        room = self.room - self.tokens(head)
        if room < _LEAST_ROOM:
            head, room = "", self.room
        for offset, chunk in self.chunk(text[start:end], room):
            yield Piece(start + offset, start + offset + len(chunk), head)
