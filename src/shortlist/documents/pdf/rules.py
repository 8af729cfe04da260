"""Tables of a page whose cells are between lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from shortlist.documents.pdf.layout import PageTable, Rule, Word, lines_of, paired, text_of
from shortlist.text.tables import Cell

_NEAR = 2.5
_LEAST_LENGTH = 6.0
_MOST_LINES = 400
_COVERED = 0.6
_TIGHT = 1.3
_GUTTER = 0.8
"""The least space between two columns without a line, in heights of the text."""

_LEAST_LINES = 4


class _Line(NamedTuple):
    """A line at one place, from `start` to `end`."""

    at: float
    start: float
    end: float


class _Grid(NamedTuple):
    """The lines of one table, and where its columns (from the left) and rows (from the top) begin and end."""

    across: list[_Line]
    down: list[_Line]
    xs: list[float]
    ys: list[float]


def ruled_tables(rules: Sequence[Rule], words: Sequence[Word]) -> list[PageTable]:
    """Return the tables that lines divide into at least two rows and two columns, with their words."""
    tables = []
    for grid in _grids(rules):
        inside = [word for word in words if _inside(word, grid)]
        rows = paired(_rows(_divided(grid, inside), inside))
        filled = sum(bool(cell.text) for row in rows for cell in row)
        if filled > 2 and max(map(len, rows)) > 1 and len(rows) > 1:
            tables.append(PageTable(rows, inside, grid.xs[0], grid.xs[-1]))
    return tables


def _grids(rules: Sequence[Rule]) -> Iterator[_Grid]:
    """Yield the groups of lines that cross or touch each other and form a grid."""
    across = _joined([_Line((r.bottom + r.top) / 2, r.left, r.right) for r in rules if r.is_horizontal])
    down = _joined([_Line((r.left + r.right) / 2, r.bottom, r.top) for r in rules if not r.is_horizontal])
    if not across or not down or max(len(across), len(down)) > _MOST_LINES:
        return
    groups = list(range(len(across)))
    crossed: list[list[int]] = []
    for line in down:
        met = [number for number, other in enumerate(across) if _crosses(line, other)]
        crossed.append(met)
        roots = {groups[number] for number in met}
        groups = [min(roots) if group in roots else group for group in groups]
    for group in sorted(set(groups)):
        rows = [line for number, line in enumerate(across) if groups[number] == group]
        columns = [line for line, met in zip(down, crossed, strict=True) if met and groups[met[0]] == group]
        grid = _grid(rows, columns)
        if grid:
            yield grid


def _grid(across: list[_Line], down: list[_Line]) -> _Grid | None:
    ends = [line.start for line in across] + [line.end for line in across]
    if not ends or not down:
        return None
    xs = _distinct([min(ends), max(ends), *(line.at for line in down)])
    tops = [line.start for line in down] + [line.end for line in down]
    ys = _distinct([min(tops), max(tops), *(line.at for line in across)])
    return _Grid(across, down, xs, ys[::-1]) if len(xs) > 2 and len(ys) > 2 else None


def _joined(lines: list[_Line]) -> list[_Line]:
    """Return the lines, those at the same place that touch each other as one. Short lines are left out."""
    joined: list[_Line] = []
    for line in sorted(lines, key=lambda line: (round(line.at / _NEAR), line.start)):
        last = joined[-1] if joined else None
        if last and abs(last.at - line.at) <= _NEAR and line.start <= last.end + _NEAR:
            joined[-1] = last._replace(end=max(last.end, line.end))
        else:
            joined.append(line)
    return [line for line in joined if line.end - line.start >= _LEAST_LENGTH]


def _distinct(places: Sequence[float]) -> list[float]:
    out: list[float] = []
    for place in sorted(places):
        if not out or place - out[-1] > 2 * _NEAR:
            out.append(place)
    return out


def _crosses(line: _Line, other: _Line) -> bool:
    return line.start - _NEAR <= other.at <= line.end + _NEAR and other.start - _NEAR <= line.at <= other.end + _NEAR


def _divided(grid: _Grid, words: Sequence[Word]) -> _Grid:
    """Return the grid with a line between columns of words that no line divides: those of most rows below the first.

    Such a line is not in rows in which a word crosses it.
    """
    xs, down = list(grid.xs), list(grid.down)
    for left, right in pairwise(grid.xs):
        column = [word for word in words if left < (word.left + word.right) / 2 < right]
        body = [word for word in column if word.middle < grid.ys[1]]
        for at in _gutters(body):
            xs.append(at)
            down += [
                _Line(at, bottom, top)
                for top, bottom in pairwise(grid.ys)
                if not any(bottom < word.middle < top and word.left < at < word.right for word in column)
            ]
    return grid._replace(xs=sorted(xs), down=down)


def _gutters(words: Sequence[Word]) -> list[float]:
    """Return where wide spaces divide the words of several lines into columns. Words of prose have no such places."""
    lines = list(lines_of(words))
    if len(lines) < _LEAST_LINES:
        return []
    spans: list[tuple[float, float]] = []
    for word in sorted(words, key=lambda word: word.left):
        if spans and word.left <= spans[-1][1] + _GUTTER * word.height:
            spans[-1] = spans[-1][0], max(spans[-1][1], word.right)
        else:
            spans.append((word.left, word.right))
    texts = [[word for word in line if any(map(str.isalnum, word.text))] for line in lines]  # dots lead to a value
    filled = [sum(any(start <= word.left < end for word in line) for line in texts) for start, end in spans]
    if len(spans) < 2 or min(filled) < 0.5 * len(lines):
        return []
    return [(before[1] + after[0]) / 2 for before, after in pairwise(spans)]


def _inside(word: Word, grid: _Grid) -> bool:
    middle = (word.left + word.right) / 2
    return grid.xs[0] <= middle <= grid.xs[-1] and grid.ys[-1] <= word.middle <= grid.ys[0]


def _rows(grid: _Grid, words: Sequence[Word]) -> list[list[Cell]]:
    """Return the cells of the grid with the text of their words. Cells without a line between them are one cell."""
    boxes: dict[tuple[int, int], list[Word]] = {}
    owner: dict[tuple[int, int], tuple[int, int]] = {}
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    for row in range(len(grid.ys) - 1):
        for column in range(len(grid.xs) - 1):
            if (row, column) in owner:
                continue
            height, width = _extent(grid, row, column, owner)
            spans[row, column] = height, width
            for down in range(row, row + height):
                for right in range(column, column + width):
                    owner[down, right] = row, column
    negative = [-y for y in grid.ys]
    for word in words:
        column = bisect_right(grid.xs, (word.left + word.right) / 2) - 1
        row = bisect_right(negative, -word.middle) - 1
        place = owner[min(max(row, 0), len(grid.ys) - 2), min(max(column, 0), len(grid.xs) - 2)]
        boxes.setdefault(place, []).append(word)
    out: list[list[Cell]] = []
    for row in range(len(grid.ys) - 1):
        places = [place for place in spans if place[0] == row]
        split = _without_rules(row, places, spans, boxes)
        out += split or [[Cell(text_of(boxes.get(place, ())), *spans[place]) for place in places]]
    return out


def _extent(grid: _Grid, row: int, column: int, owner: dict[tuple[int, int], tuple[int, int]]) -> tuple[int, int]:
    """Return how many rows and columns the cell that begins here covers."""
    width = 1
    while (
        column + width < len(grid.xs) - 1
        and (row, column + width) not in owner
        and not _covered(grid.down, grid.xs[column + width], grid.ys[row + 1], grid.ys[row])
    ):
        width += 1
    height = 1
    while row + height < len(grid.ys) - 1 and not any(
        (row + height, column + offset) in owner
        or _covered(grid.across, grid.ys[row + height], grid.xs[column + offset], grid.xs[column + offset + 1])
        for offset in range(width)
    ):
        height += 1
    return height, width


def _covered(lines: Sequence[_Line], at: float, start: float, end: float) -> bool:
    """Return whether lines at this place cover most of the way from `start` to `end`."""
    length = sum(
        max(0.0, min(line.end, end) - max(line.start, start)) for line in lines if abs(line.at - at) <= 2 * _NEAR
    )
    return length >= _COVERED * (end - start)


def _without_rules(
    row: int,
    places: Sequence[tuple[int, int]],
    spans: dict[tuple[int, int], tuple[int, int]],
    boxes: dict[tuple[int, int], list[Word]],
) -> list[list[Cell]]:
    """Return one row for each line of text, if no lines are drawn between the rows; otherwise an empty list.

    The cells of such a row have several lines of text, most of them at the same height in every column. Two lines that
    are close to each other are one cell.
    """
    if len(places) < 2 or any(spans[place] != (1, 1) for place in places):
        return []
    columns = [list(lines_of(boxes.get(place, ()))) for place in places]
    first = columns[0]
    if len(first) < 2 or max(map(len, columns)) > len(first):
        return []
    if len(first) == 2 and first[0][0].middle - first[1][0].middle <= _TIGHT * first[0][0].height:
        return []
    rows: list[list[Cell]] = []
    for line in first:
        cells = [Cell(text_of(line))]
        for other in columns[1:]:
            same = [words for words in other if line[0].bottom < words[0].middle < line[0].top]
            cells.append(Cell(text_of(same[0])) if same else Cell())
        rows.append(cells)
    filled = sum(bool(cell.text) for cells in rows for cell in cells)
    whole = sum(map(len, columns))
    return rows if filled == whole and filled >= 0.7 * len(first) * len(places) else []
