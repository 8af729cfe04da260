"""Comma-separated values and similar tables: one document for each row."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple

from shortlist.documents.csv_rows import Columns
from shortlist.documents.decoding import LONGEST_LINE, MEGABYTE, guess_note, line_encoding, lines
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source
from shortlist.text.csv_header import SAMPLE_ROWS, is_data, unique, usual_width
from shortlist.text.csv_quotes import NAMED_DELIMITER, ParsedRow, parsed_rows
from shortlist.types import Document, Note

_DELIMITERS = (",", ";", "\t", "|")
_IDS = ("id", "_id")
_TITLES = ("title",)
_NAMES = ("name", "subject", "sku", "code", "key")
"""The columns that name the rows of a table with a text and without a title."""

_TEXTS = ("text", "content", "body")
_USUAL = frozenset((*_IDS, *_TITLES, *_NAMES, *_TEXTS))
_MOST_LINES = 20
_LARGEST_SAMPLE = 1_000_000


class _Lines:
    """The lines of a file for the csv module, with a record of what happened to them since the last call of `take`.

    `number` is the number of the last line, from 1, and `last` its text. `delimiter` separates the cells.
    """

    delimiter = ","

    def __init__(self, source: Source) -> None:
        self._source = source
        self.number = 0
        self.last = ""
        self.replaced = 0
        self.too_long: list[int] = []
        self.encoding = line_encoding(source)

    def __iter__(self) -> Iterator[str]:
        for number, line, replaced in lines(self._source.path, self.encoding):
            self.number = number
            self.replaced += replaced
            if line is None:
                self.too_long.append(number)
            else:
                self.last = line
                yield line

    def record(self, first: str) -> list[str]:
        """Return the first line and the lines below it that its quotes take in, or the line alone if they take many."""
        record, quotes = [first], first.count('"')
        below = islice(lines(self._source.path, self.encoding), self.number, self.number + _MOST_LINES)
        while quotes % 2 and (line := next(below, (0, None, 0))[1]) is not None:
            record.append(line)
            quotes += line.count('"')
        return [first] if quotes % 2 else record

    def take_replaced(self) -> int:
        replaced, self.replaced = self.replaced, 0
        return replaced

    def take_skipped(self) -> Iterator[Skipped]:
        while self.too_long:
            place = f"line {self.too_long.pop(0)}"
            yield Skipped(self._source.name, place, Note("line_too_long", megabytes=LONGEST_LINE // MEGABYTE))


class _Row(NamedTuple):
    """The cells of a row, or why it cannot be parsed. `replaced` counts bytes, `skipped` has the lines before it."""

    cells: list[str] | Note
    replaced: int
    skipped: tuple[Skipped, ...]


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per row after the header, which names the columns. Rows are counted from 1.

    Rows above the header with a text in their first cell alone, such as "Sales 2024,,", are a document of their own.
    A first row that is like the other rows is no header: see `csv_header.is_data`. The columns then have numbers as
    names, and the reader reports this.

    The column "text" (or "content" or "body") is the text, "id" is the id and "title" is the title, in upper or lower
    case. The other columns are metadata: strings without the space around them. If a file has a text and no title, the
    title is its column "name", "subject", "sku", "code" or "key", if it has one. If no column is the text, the text has
    a line "column: value" for each cell, the id first, and the cells are also metadata. A first line "sep=;"
    sets the delimiter. If a row has more cells than the header, one column takes several cells, and the reader reports
    the row: see `Columns.fitted`. If a quote is not closed, the reader skips the lines up to the next quote or the end
    of the file as one row.
    """
    feed = _Lines(source)
    yield from guess_note(source, feed.encoding.name if feed.encoding.guessed else "")
    rows = _rows(source, feed)
    above: list[str] = []
    number = 0
    for row in rows:
        yield from row.skipped
        if isinstance(row.cells, Note):
            yield Skipped(source.name, "the header", row.cells)
        elif _is_title(row.cells):
            above.append(row.cells[0].strip())
        else:
            number = yield from _table(source, feed.delimiter, row.cells, chain([row._replace(skipped=())], rows))
    yield from feed.take_skipped()
    if above:
        yield Record("above the header", Document(f"{source.name}#above", "\n".join(above), "", metadata(source)))
    if not number:
        yield Skipped(source.name, "", Note("no_rows"))


def _table(
    source: Source, delimiter: str, first: list[str], rows: Iterator[_Row]
) -> Generator[Record | Skipped, None, int]:
    """Yield the documents of the rows, of which the first one may be a header. Return the number of rows below it."""
    sample = _sample(rows)
    below = [row.cells for row in sample[1:] if not isinstance(row.cells, Note)]
    number, replaced = 0, 0
    if is_data(first, below, _USUAL):
        columns = unique([""] * usual_width([first, *below]))
        yield Skipped(source.name, "", Note("no_header", column=columns[0]))
    else:
        columns = unique(first)
        replaced = sample.pop(0).replaced
    table = Columns(columns, _named(columns, _TEXTS))
    for number, row in enumerate(chain(sample, rows), start=1):
        yield from row.skipped
        replaced += row.replaced
        cells = row.cells
        if isinstance(cells, Note):
            yield Skipped(source.name, f"row {number}", cells)
            continue
        if any(cell.strip() for cell in cells[len(columns) :]):
            given = len(cells)
            cells, taker = table.fitted(cells, delimiter)
            note = Note("extra_cells", cells=given, columns=len(columns), column=taker)
            yield Skipped(source.name, f"row {number}", note)
        else:
            table.saw(cells)
        filled = {column: cell for column, cell in zip(columns, cells, strict=False) if cell.strip()}
        key = f"{source.name}#row={number}"
        yield Record(f"row {number}", row_document(source, key, columns, filled, {}, replaced))
        replaced = 0
    return number


def _sample(rows: Iterator[_Row]) -> list[_Row]:
    """Return the first rows: those that `is_data` compares, or fewer if they are long."""
    sample, size = [], 0
    for row in rows:
        sample.append(row)
        size += 0 if isinstance(row.cells, Note) else sum(map(len, row.cells))
        if len(sample) > SAMPLE_ROWS or size > _LARGEST_SAMPLE:
            break
    return sample


def _is_title(row: Sequence[str]) -> bool:
    """Return whether a row above the header is the title of the table, as spreadsheets export it."""
    return len(row) > 2 and bool(row[0].strip()) and not any(cell.strip() for cell in row[1:])


def _rows(source: Source, feed: _Lines) -> Iterator[_Row]:
    """Yield the rows that are not blank, and the reason for each row that cannot be parsed."""
    waiting = iter(feed)
    filled = (line for line in waiting if line.strip())
    first = next(filled, "")
    if named := NAMED_DELIMITER.fullmatch(first):
        first = next(filled, "")
    guessed = "\t" if source.path.suffix.lower() == ".tsv" else _delimiter(feed.record(first))
    feed.delimiter = named[1] if named else guessed
    below = chain([first], waiting)
    for row in parsed_rows(below, feed, feed.delimiter, LONGEST_LINE, above=feed.number - 1):
        cells = row.cells if row.cells is not None else _reason(row)
        if cells:
            yield _Row(cells, feed.take_replaced(), tuple(feed.take_skipped()))


def _reason(row: ParsedRow) -> Note:
    """Return why a row has no cells that can be read."""
    if row.is_open:
        return Note("open_quote", first=row.first, last=row.last, error=row.error)
    return Note("bad_csv", error=row.error)


def _delimiter(record: Sequence[str]) -> str:
    """Return the delimiter that splits the lines of the header into most columns, or a comma if none does."""
    if sum(map(len, record)) > csv.field_size_limit():
        return ","
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader(record, delimiter=mark), [])))


def row_document(
    source: Source,
    key: str,
    columns: Sequence[str],
    cells: Mapping[str, str],
    fields: Mapping[str, object],
    replaced: int = 0,
) -> Document:
    """Return the document of a row. `cells` are its texts by their column, and `fields` further metadata.

    `key` is the id if the row has none of its own. See `read` for the columns.
    """
    id_column, title_column, text_column = (_named(columns, names) for names in (_IDS, _TITLES, _TEXTS))
    taken = {id_column, title_column, text_column}
    others = {column: cell.strip() for column, cell in cells.items() if column not in taken}
    shown: tuple[str, ...] = ()
    if text_column:
        text = cells.get(text_column, "")
        title_column = title_column or _named(columns, _NAMES)
    else:
        shown = tuple(sorted(cells, key=lambda column: column != id_column))
        text = "\n".join(f"{column}: {cells[column].strip()}" for column in shown)
    name = cells.get(id_column, "").strip() or key
    title = cells.get(title_column, "").strip()
    return Document(name, text, title, metadata(source, {**others, **fields}, replaced), shown)


def _named(columns: Sequence[str], names: Sequence[str]) -> str:
    """Return the first column with one of the names, or "" if there is none."""
    lowered = {column.lower(): column for column in reversed(columns)}
    return next((lowered[name] for name in names if name in lowered), "")
