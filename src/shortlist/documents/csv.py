"""Comma-separated values and similar tables: one document for each row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain

from shortlist.documents.csv_rows import Columns
from shortlist.documents.decoding import LONGEST_LINE, MEGABYTE, guess_note, line_encoding, lines
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source
from shortlist.types import Document, Note

_DELIMITERS = (",", ";", "\t", "|")
_NAMED = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
"""A first line that names the delimiter, as Excel writes and reads it."""

_IDS = ("id", "_id")
_TITLES = ("title",)
_NAMES = ("name", "subject", "sku", "code", "key")
"""The columns that name the rows of a table with a text and without a title."""

_TEXTS = ("text", "content", "body")


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

    def take_replaced(self) -> int:
        replaced, self.replaced = self.replaced, 0
        return replaced

    def take_skipped(self) -> Iterator[Skipped]:
        while self.too_long:
            place = f"line {self.too_long.pop(0)}"
            yield Skipped(self._source.name, place, Note("line_too_long", megabytes=LONGEST_LINE // MEGABYTE))


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per row after the header, which names the columns. Rows are counted from 1.

    Rows above the header with a text in their first cell alone, such as "Sales 2024,,", are a document of their own.

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
    columns: list[str] = []
    table = Columns(())
    above: list[str] = []
    number = 0
    for row in _rows(source, feed):
        yield from feed.take_skipped()
        if isinstance(row, Note):
            number += bool(columns)
            yield Skipped(source.name, f"row {number}" if columns else "the header", row)
        elif not columns and _is_title(row):
            above.append(row[0].strip())
        elif not columns:
            columns = unique(row)
            table = Columns(columns, _named(columns, _TEXTS))
        else:
            number += 1
            replaced = feed.take_replaced()
            if any(cell.strip() for cell in row[len(columns) :]):
                given = len(row)
                row, taker = table.fitted(row, feed.delimiter)
                note = Note("extra_cells", cells=given, columns=len(columns), column=taker)
                yield Skipped(source.name, f"row {number}", note)
            else:
                table.saw(row)
            cells = {column: cell for column, cell in zip(columns, row, strict=False) if cell.strip()}
            key = f"{source.name}#row={number}"
            yield Record(f"row {number}", row_document(source, key, columns, cells, {}, replaced))
    yield from feed.take_skipped()
    if above:
        yield Record("above the header", Document(f"{source.name}#above", "\n".join(above), "", metadata(source)))
    if not number:
        yield Skipped(source.name, "", Note("no_rows"))


def _is_title(row: Sequence[str]) -> bool:
    """Return whether a row above the header is the title of the table, as spreadsheets export it."""
    return len(row) > 2 and bool(row[0].strip()) and not any(cell.strip() for cell in row[1:])


def _rows(source: Source, feed: _Lines) -> Iterator[list[str] | Note]:
    """Yield the rows that are not blank, and the reason for each row that cannot be parsed."""
    waiting = iter(feed)
    filled = (line for line in waiting if line.strip())
    first = next(filled, "")
    if named := _NAMED.fullmatch(first):
        first = next(filled, "")
    guessed = "\t" if source.path.suffix.lower() == ".tsv" else _delimiter(first)
    feed.delimiter = delimiter = named[1] if named else guessed
    reader = csv.reader(chain([first], waiting), delimiter=delimiter, strict=True)
    before = feed.number - 1
    while True:
        usual = csv.field_size_limit(LONGEST_LINE)
        try:
            row: list[str] | Note | None = next(reader, None)
        except csv.Error as error:
            row = _mended(feed, before, delimiter, error)
        finally:
            csv.field_size_limit(usual)
        before = feed.number
        if row is None:
            return
        if row:
            yield row


def _mended(feed: _Lines, before: int, delimiter: str, error: csv.Error) -> list[str] | Note:
    """Return the readable part of the row after line number `before`. Odd quotes on a single line stay unchanged.

    Odd quotes over several lines mean that the text of an unclosed quote includes the rows below it.
    """
    first = before + 1
    if feed.number > first:
        return Note("open_quote", first=first, last=feed.number, error=str(error))
    with suppress(csv.Error):
        return next(csv.reader([feed.last], delimiter=delimiter), [])
    return Note("bad_csv", error=str(error))


def _delimiter(line: str) -> str:
    """Return the delimiter that splits the header into most columns, or a comma if none does."""
    if len(line) > csv.field_size_limit():
        return ","
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))


def unique(header: Sequence[str]) -> list[str]:
    """Return the names of the columns, with a number for a name that is missing or repeated."""
    columns: list[str] = []
    for number, cell in enumerate(header, start=1):
        name = cell.strip() or f"column {number}"
        columns.append(name if name not in columns else f"{name} {number}")
    return columns


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
