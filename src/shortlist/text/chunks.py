"""Sections and values that do not fit, in pieces that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from shortlist.text.boundaries import RECORD, Layout, boundaries
from shortlist.text.fitting import Piece
from shortlist.text.packing import Cost, packed
from shortlist.text.table_pieces import Table, find_tables, table_pieces


def chunks(
    text: str, room: int, cost: Cost, layout: Layout = "lines", tables: Sequence[Table] = ()
) -> Iterator[tuple[int, str]]:
    """Yield pieces of at most `room`, with their character offsets. Nothing is cut inside the `tables`.

    `layout`: see `boundaries`.
    """
    empty = cost("")
    places = boundaries(text, layout)
    if tables:
        places = [place for place in places if not any(table.start < place.place < table.end for table in tables)]
    for start, end in packed(text, places, room - empty, lambda piece: cost(piece) - empty):
        yield start, text[start:end]


def section_pieces(text: str, room: int, cost: Cost, layout: Layout) -> Iterator[Piece]:
    """Yield pieces of at most `room`. A table is whole, or in rows that have the names of the columns as their head.

    The first piece of a table that is not whole begins with the sentence before the table.
    """
    chunk = partial(chunks, cost=cost, layout=layout)
    place = 0
    small: list[Table] = []
    for table in find_tables(text):
        if cost(text[table.start : table.end]) <= room:
            small.append(table)
            continue
        lead = _lead(text, place, table, layout)
        spare = cost(text[lead : table.start]) - cost("")
        if spare > room // 4:
            lead, spare = table.start, 0
        yield from _between(text, place, lead, room, chunk, small)
        first, *others = table_pieces(text, table, room - spare, cost, chunk)
        yield from [first._replace(start=lead), *others]
        place, small = table.end, []
    yield from _between(text, place, len(text), room, chunk, small)


def _between(
    text: str, start: int, end: int, room: int, chunk: Callable[..., Iterator[tuple[int, str]]], small: Sequence[Table]
) -> Iterator[Piece]:
    """Yield the text between two large tables in pieces. The small tables in it are whole. Blank text has no piece."""
    if not text[start:end].strip():
        return
    tables = [Table(*(edge - start for edge in table)) for table in small]
    for offset, piece in chunk(text[start:end], room, tables=tables):
        yield Piece(start + offset, start + offset + len(piece))


def _lead(text: str, start: int, table: Table, layout: Layout) -> int:
    """Return where the sentence before a table begins, or the start of the table if another table is before it."""
    before = text[start : table.start]
    if not before.strip() or before.rstrip().endswith("|"):
        return table.start
    places = [place for place, cost in boundaries(before, layout) if cost <= RECORD]
    return start + places[-1] if places else start
