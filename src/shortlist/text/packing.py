"""The parts of a text between its boundaries, packed into passages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from shortlist.text.boundaries import Boundary, boundaries
from shortlist.text.sentences import character_start, clause_starts, word_starts

Cost = Callable[[str], int]

PASSAGE = 1.0
"""The cost of one more passage."""
EMPTY = 2.0
"""The cost of an empty passage. The cost of a passage falls with the square of its empty part."""
SMALL_END = 0.25
"""A last passage below this share of the room costs up to `EMPTY` more."""

CLAUSE, WORD, CODE_WORD, CHARACTER = 25.0, 30.0, 40.0, 50.0
"""The costs of cuts inside a sentence that is longer than a passage."""
SHARES = 8
"""A sentence that is longer than a passage is divided into parts of about this share of a passage."""


class Part(NamedTuple):
    """A part of a text that is not cut: its place in characters, its tokens, and the cost of a cut before it."""

    start: int
    end: int
    tokens: int
    cost: float


def packed(text: str, where: Sequence[Boundary], room: int, count: Cost) -> list[tuple[int, int]]:
    """Return the pieces of the text, each of at most `room` tokens, with the cheapest cuts.

    `count` returns the tokens of a text; the tokens of parts should add up. A single character may exceed the room.
    """
    parts = list(_parts(text, where, room, count))
    firsts = _cheapest(parts, room)
    return [
        (parts[first].start, parts[last - 1].end)
        for first, last in zip(firsts, [*firsts[1:], len(parts)], strict=True)
        if last > first
    ]


def middle_cut(text: str) -> int:
    """Return the best place for a cut in the middle half of a text of at least two characters."""
    size = len(text)
    least, most = max(1, size // 4), max(2, size - size // 4)
    near = [boundary for boundary in boundaries(text) if least <= boundary.place < most]
    if near:
        return min(near, key=lambda boundary: (boundary.cost, abs(boundary.place - size // 2))).place
    for starts in (clause_starts, word_starts):
        places = [place for place in starts(text, 0, size) if least <= place < most]
        if places:
            return min(places, key=lambda place: abs(place - size // 2))
    return max(1, character_start(text, 0, size // 2))


def _parts(text: str, where: Sequence[Boundary], room: int, count: Cost) -> Iterator[Part]:
    starts = [(0, 0.0), *where]
    ends = [*(place for place, _ in where), len(text)]
    for (start, cost), end in zip(starts, ends, strict=True):
        tokens = count(text[start:end])
        if tokens <= room:
            yield Part(start, end, tokens, cost)
        else:
            yield from _finer(text, Part(start, end, tokens, cost), room, count)


def _finer(text: str, part: Part, room: int, count: Cost) -> Iterator[Part]:
    """Yield a part that is too long in smaller parts: at clauses, then at words, then at characters."""
    least = max(room // SHARES, 1)
    levels = ((CLAUSE, clause_starts), (WORD, word_starts), (CODE_WORD, partial(word_starts, in_code=True)))
    pieces = [part]
    for cost, starts in levels:
        pieces = [
            smaller
            for piece in pieces
            for smaller in (
                [piece]
                if piece.tokens <= room
                else _grouped(text, piece, starts(text, piece.start, piece.end), cost, least, count)
            )
        ]
    for piece in pieces:
        yield from [piece] if piece.tokens <= room else _characters(text, piece, least, count)


def _grouped(text: str, part: Part, places: Iterable[int], cost: float, least: int, count: Cost) -> list[Part]:
    """Return the part cut at some of the places, so that each piece has about `least` tokens, or cannot be smaller."""
    out: list[Part] = []
    start, before, tokens, last = part.start, part.cost, 0, part.start
    for place in [*places, part.end]:
        added = count(text[last:place])
        if tokens and tokens + added > least:
            out.append(Part(start, last, tokens, before))
            start, before, tokens = last, cost, 0
        tokens += added
        last = place
    out.append(Part(start, part.end, tokens, before))
    return out


def _characters(text: str, part: Part, least: int, count: Cost) -> Iterator[Part]:
    """Yield a part without white space in pieces of at most about `least` tokens."""
    step = max(1, (part.end - part.start) * least // part.tokens)
    start, cost = part.start, part.cost
    while start < part.end:
        end = part.end if part.end - start <= step else character_start(text, start, start + step)
        yield Part(start, end, count(text[start:end]), cost)
        start, cost = end, CHARACTER


def _cheapest(parts: Sequence[Part], room: int) -> list[int]:
    """Return the first part of each passage, for the smallest sum of costs."""
    size = len(parts)
    totals = [0]
    for part in parts:
        totals.append(totals[-1] + part.tokens)
    best = [0.0] * (size + 1)
    came = [0] * (size + 1)
    for end in range(1, size + 1):
        least, origin = float("inf"), end - 1
        for start in range(end - 1, -1, -1):
            tokens = totals[end] - totals[start]
            if tokens > room and start < end - 1:
                break
            value = best[start] + (parts[start].cost if start else 0.0) + _price(tokens / room, end == size)
            if value < least:
                least, origin = value, start
        best[end], came[end] = least, origin
    firsts: list[int] = []
    place = size
    while place:
        place = came[place]
        firsts.append(place)
    return firsts[::-1]


def _price(share: float, is_last: bool) -> float:
    """Return the cost of a passage that fills this share of the room."""
    if is_last:
        return PASSAGE + EMPTY * max(0.0, 1 - share / SMALL_END)
    empty = max(0.0, 1 - share)
    return PASSAGE + EMPTY * empty * empty
