"""Tables of a page without lines between their cells: short texts that stand below each other in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from shortlist.documents.pdf.layout import PageTable, Rule, Word, lines_of
from shortlist.text.tables import Cell

_GAP = 0.9
"""The least space between two cells of a row, in heights of the text. Words of justified text have less."""

_LEAST_ROWS = 3
_LONGEST = 28
"""The most characters that the usual cell of all but one column may have. Columns of prose have more."""

_MOST_SPACING = 2.6
_TIGHT = 1.35


@dataclass
class _Row:
    """A line of a page, its words grouped into cells."""

    cells: list[list[Word]]

    @property
    def height(self) -> float:
        return median(word.height for cell in self.cells for word in cell)

    @property
    def middle(self) -> float:
        return self.cells[0][0].middle


@dataclass
class _Run:
    """Rows below each other, and the places of their columns as (left, right)."""

    rows: list[_Row] = field(default_factory=list)
    columns: list[tuple[float, float]] = field(default_factory=list)


def aligned_tables(words: Sequence[Word], rules: Sequence[Rule]) -> list[PageTable]:
    """Return the tables among the words. Columns of prose, lists and contents are no tables."""
    tables = []
    for run in _runs([_Row(list(_cells(line))) for line in lines_of(words)]):
        if _is_table(run, rules):
            rows = [[Cell(_text(cell)) for cell in row] for row in _placed(run)]
            inside = [word for row in run.rows for cell in row.cells for word in cell]
            tables.append(PageTable(rows, inside, run.columns[0][0], run.columns[-1][1]))
    return tables


def _cells(line: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield the words of a line in groups with wide spaces between them."""
    cell: list[Word] = []
    for word in line:
        if cell and word.left - cell[-1].right > _GAP * max(word.height, cell[-1].height):
            yield cell
            cell = []
        cell.append(word)
    if cell:
        yield cell


def _runs(rows: Sequence[_Row]) -> Iterator[_Run]:
    """Yield the longest runs of rows that have the same columns."""
    run = _Run()
    for row in rows:
        joined = _joined(run, row)
        if joined is not None:
            run = joined
            continue
        if len(run.rows) >= _LEAST_ROWS:
            yield run
        run = _started(row)
    if len(run.rows) >= _LEAST_ROWS:
        yield run


def _started(row: _Row) -> _Run:
    return _Run([row], [_span(cell) for cell in row.cells]) if len(row.cells) > 1 else _Run()


def _joined(run: _Run, row: _Row) -> _Run | None:
    """Return the run with one more row, or None if the row does not have its columns."""
    if not run.rows:
        return None
    last = run.rows[-1]
    distance = last.middle - row.middle
    if not 0 < distance <= _MOST_SPACING * max(row.height, last.height):
        return None
    if len(row.cells) == 1 and not _continues(run, row):
        return None
    columns = list(run.columns)
    for cell in row.cells:
        left, right = _span(cell)
        met = [place for place in columns if place[0] < right and left < place[1]]
        if len(met) > 1:
            return None
        if met:
            columns[columns.index(met[0])] = min(met[0][0], left), max(met[0][1], right)
        else:
            columns.append((left, right))
    columns.sort()
    gap = 0.5 * row.height
    if any(right[0] - left[1] < gap for left, right in pairwise(columns)):
        return None
    return _Run([*run.rows, row], columns)


def _continues(run: _Run, row: _Row) -> bool:
    """Return whether a row with one cell is the next line of a cell above, and not of the first column."""
    left, right = _span(row.cells[0])
    number = next((n for n, place in enumerate(run.columns) if place[0] < right and left < place[1]), 0)
    return number > 0 and run.rows[-1].middle - row.middle <= _TIGHT * row.height


def _placed(run: _Run) -> Iterator[list[list[Word]]]:
    """Yield the cells of each row by column. The next line of a cell is added to the cell."""
    rows: list[list[list[Word]]] = []
    for row in run.rows:
        cells: list[list[Word]] = [[] for _ in run.columns]
        for cell in row.cells:
            left, right = _span(cell)
            number = next(n for n, place in enumerate(run.columns) if place[0] < right and left < place[1])
            cells[number] += cell
        if rows and len(row.cells) == 1 and not cells[0]:
            for above, cell in zip(rows[-1], cells, strict=True):
                above += cell
        else:
            rows.append(cells)
    yield from rows


def _is_table(run: _Run, rules: Sequence[Rule]) -> bool:
    """Return whether a run is a table: short cells, and three columns, or two with numbers or with lines."""
    columns = list(zip(*_placed(run), strict=True))
    texts = [[_text(cell) for cell in column if cell] for column in columns]
    rows = len(columns[0])
    if len(texts) < 2 or rows < _LEAST_ROWS:
        return False
    long = sum(median(map(len, column)) > _LONGEST for column in texts)
    filled = sum(map(len, texts))
    if long > 1 or filled < 0.5 * rows * len(texts) or len(texts[0]) < 0.5 * rows:
        return False
    if len(texts) > 2 and filled >= 0.6 * rows * len(texts):
        return True
    return _has_numbers(texts[1:]) or _has_rule(run, rules)


def _has_numbers(columns: Sequence[Sequence[str]]) -> bool:
    texts = [text for column in columns for text in column]
    return sum(text[:1].isdigit() or text[-1:].isdigit() for text in texts) > 0.6 * len(texts)


def _has_rule(run: _Run, rules: Sequence[Rule]) -> bool:
    """Return whether a horizontal line over most of the width is near the first two rows."""
    left, right = run.columns[0][0], run.columns[-1][1]
    top = run.rows[0].cells[0][0].top + run.rows[0].height
    bottom = run.rows[1].middle - run.rows[1].height / 2
    return any(
        rule.is_horizontal
        and bottom < rule.bottom < top
        and min(rule.right, right) - max(rule.left, left) > 0.6 * (right - left)
        for rule in rules
    )


def _span(cell: Sequence[Word]) -> tuple[float, float]:
    return cell[0].left, max(word.right for word in cell)


def _text(cell: Sequence[Word]) -> str:
    return " ".join(word.text for word in cell)
