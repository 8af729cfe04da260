"""Tables to pieces that fit: each piece names the columns of its cells, and the row that they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from shortlist.text.fitting import Chunk, Cost, Fit, Piece
from shortlist.text.tables import delimiter_line, row_line

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MARKS = "|-: \t>\r\n"


class Table(NamedTuple):
    """A Markdown table in character offsets: its header starts, its first row starts, its last row ends."""

    start: int
    body: int
    end: int


def find_tables(text: str) -> list[Table]:
    """Return the Markdown tables of a text in order. A text without tables gives an empty list."""
    tables: list[Table] = []
    if "|" not in text or "-" not in text:
        return tables
    starts, place = [0], 0
    lines = _LINE.findall(text)
    for line in lines:
        place += len(line)
        starts.append(place)
    number = 1
    while number < len(lines):
        columns = _delimited(lines[number])
        if columns and len(_cells(lines[number - 1])) == columns:
            last = number + 1
            while last < len(lines) and "|" in lines[last]:
                last += 1
            tables.append(Table(starts[number - 1], starts[number + 1], starts[last]))
            number = last
        number += 1
    return tables


def table_pieces(text: str, table: Table, room: int, cost: Cost, chunk: Chunk) -> Iterator[Piece]:
    """Yield the table whole if it fits. Otherwise yield its rows in groups that fit, each with the header as its head.

    A row that does not fit is split between its cells. Each part then has the names of its columns, and the first cell
    of the row, as its head. A long name or first cell is shortened in the head. No piece has the header and no row,
    unless the header takes more than half of the room: it is then split, too.
    """
    fit = Fit(room, cost, chunk)
    if cost(text[table.start : table.end]) <= room:
        yield Piece(table.start, table.end)
        return
    head = text[table.start : table.body]
    if not head.endswith("\n"):
        head += "\n"
    names = [head[first:last] for first, last in _cells(head.partition("\n")[0])]
    if fit.tokens(head) > room // 2:
        yield from _header_parts(text, table, fit)
        for row in _rows(text, table):
            yield from _row_parts(text, row, names, fit)
        return
    yield from _grouped(text, table, head, names, fit)


def _header_parts(text: str, table: Table, fit: Fit) -> Iterator[Piece]:
    """Yield a header that takes more than half of the room in parts.

    The line of dashes belongs to the last part. It is left out if it takes more than half of the room.
    """
    marks = text.index("\n", table.start) + 1
    tokens = fit.tokens(text[marks : table.body])
    if tokens > fit.room // 2:
        yield from fit.pieces(text, table.start, marks, "")
        return
    *parts, last = replace(fit, room=fit.room - tokens).pieces(text, table.start, marks, "")
    yield from parts
    yield last._replace(end=table.body)


def _grouped(text: str, table: Table, head: str, names: Sequence[str], fit: Fit) -> Iterator[Piece]:
    """Yield the rows in groups that fit. The header belongs to the first group."""
    start, end, used = table.start, table.body, fit.tokens(head)
    head_cost = used
    for row in _rows(text, table):
        tokens = fit.tokens(text[row.start : row.end])
        if used + tokens > fit.room and end > start and (end > table.body or start > table.start):
            yield from _halved(text, Piece(start, end, head if start > table.start else ""), head, fit)
            start, used = row.start, head_cost
        if head_cost + tokens > fit.room:
            alone = start == table.start and end == table.body
            for place, part in enumerate(_row_parts(text, row, names, fit, head if alone else "")):
                yield part._replace(start=start, head="") if alone and not place else part
            start, used = row.end, head_cost
        else:
            used += tokens
        end = row.end
    if end > start:
        yield from _halved(text, Piece(start, end, head if start > table.start else ""), head, fit)


def _halved(text: str, piece: Piece, header: str, fit: Fit) -> Iterator[Piece]:
    """Yield a group of rows, in halves if the counts of the rows add up to less than the count of the group."""
    start, end, head = piece
    first = start if head else start + len(header)
    middle = text.find("\n", max((start + end) // 2, first), end - 1) + 1
    if middle and fit.cost(head + text[start:end]) > fit.room:
        yield from _halved(text, Piece(start, middle, head), header, fit)
        yield from _halved(text, Piece(middle, end, header), header, fit)
    else:
        yield piece


def header_at(text: str, place: int) -> str:
    """Return the header of the table that has a row at this place, with its line end, or "" if there is none."""
    for table in find_tables(text):
        if table.body <= place < table.end:
            return text[table.start : table.body]
    return ""


def _row_parts(text: str, row: Piece, names: Sequence[str], fit: Fit, header: str = "") -> Iterator[Piece]:
    """Yield a row that does not fit in groups of cells. A cell that does not fit is split, too.

    `header` is the head of the first part in place of the names of its columns, if it is given.
    """
    cells = [(row.start + first, row.start + last) for first, last in _cells(text[row.start : row.end])]
    most = max(fit.room // 8, 1)
    short = [fit.short(name, most) for name in names]
    key = fit.short(text[slice(*cells[0])], most) if cells else ""
    column = 0
    while column < len(cells):
        first_head = "" if column else header
        last = column + 1
        while last < len(cells) and (
            _is_blank(text, row, cells, column, last)
            or fit.fits(
                first_head or _part_head(short, key, column, last + 1), text, *_part_span(row, cells, column, last + 1)
            )
        ):
            last += 1
        if column and _is_blank(text, row, cells, column, last):
            return
        head = first_head or _part_head(short, key, column, last)
        start, end = _part_span(row, cells, column, last)
        if not fit.fits(head, text, start, end):
            yield from fit.pieces(text, start, end, head)
        else:
            yield Piece(start, end, head)
        column = last


def _part_span(row: Piece, cells: Sequence[tuple[int, int]], first: int, last: int) -> tuple[int, int]:
    """Return where the part of a row with the columns from `first` to before `last` starts and ends."""
    start = cells[first][0] if first else row.start
    return start, cells[last][0] if last < len(cells) else row.end


def _is_blank(text: str, row: Piece, cells: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    """Return whether all cells of a part of a row are empty. The rest of a row after its last text has no part."""
    start, end = _part_span(row, cells, first, last)
    return not text[start:end].strip("| \t\r\n")


def _part_head(names: Sequence[str], key: str, first: int, last: int) -> str:
    """Return a header for some columns of a row and, if the part begins after it, the first cell of the row."""
    shown = [*names[:1], *names[first:last]] if first else list(names[:last])
    head = f"{row_line(shown)}\n{delimiter_line(len(shown))}\n"
    return f"{head}| {key} | " if first else head


def _rows(text: str, table: Table) -> Iterator[Piece]:
    place = table.body
    for line in _LINE.findall(text[table.body : table.end]):
        yield Piece(place, place + len(line))
        place += len(line)


def _delimited(line: str) -> int:
    """Return the number of columns if the line is the delimiter line of a table, and 0 otherwise."""
    if "|" not in line or "-" not in line or line.strip(_MARKS):
        return 0
    marks = [line[first:last] for first, last in _cells(line)]
    right = all(mark.strip(":").strip("-") == "" and "-" in mark for mark in marks)
    return len(marks) if right else 0


def _cells(line: str) -> list[tuple[int, int]]:
    """Return where the text of each cell of a line starts and ends. A pipe after a backslash belongs to the text."""
    bars = [place for place, character in enumerate(line) if character == "|" and line[place - 1 : place] != "\\"]
    edges = [-1, *bars, len(line)]
    spans = []
    for before, after in pairwise(edges):
        part = line[before + 1 : after]
        start = before + 1 + len(part) - len(part.lstrip())
        spans.append((start, start + len(part.strip())))
    if bars and not line[: bars[0]].strip(" \t>"):
        spans = spans[1:]
    if bars and not line[bars[-1] + 1 :].strip():
        spans = spans[:-1]
    return spans
