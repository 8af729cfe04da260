"""Comma-separated values and their kin: one document a row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain

from shortlist.documents.decoding import LONGEST_LINE, lines
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Found, Skipped, Source
from shortlist.errors import InvalidInput
from shortlist.types import Document

_DELIMITERS = (",", ";", "\t", "|")
_NAMED = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
"""A first line that names the delimiter, as Excel writes and reads it."""

_IDS = ("id", "_id")
_TITLES = ("title",)
_TEXTS = ("text", "content", "body")


class _Lines:
    """A file's lines for the csv module, with a note of what happened to them since it was last read.

    `number` counts the lines from 1 to the `last` one that was taken.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.number = 0
        self.last = ""
        self.replaced = 0
        self.too_long: list[int] = []

    def __iter__(self) -> Iterator[str]:
        for number, line, replaced in lines(self._source.path):
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
            yield Skipped(self._source.name, place, f"longer than {LONGEST_LINE // 1_000_000} MB")


def read(source: Source) -> Iterator[Found | Skipped]:
    """One document a row after the first, which names the columns; rows are counted from 1.

    A column "text" (or "content" or "body") is the text, "id" the id, "title" the title, in upper or lower
    case; the others are metadata, as strings without the space around them. With no text column a row becomes lines
    "column: value", and its cells are metadata too. A first line "sep=;" names the delimiter. Where a quote is not
    closed, the lines up to the next one, or to the end, are skipped as one row.
    """
    feed = _Lines(source)
    columns: list[str] = []
    number = 0
    for row in _rows(source, feed):
        yield from feed.take_skipped()
        if isinstance(row, InvalidInput):
            number += bool(columns)
            yield Skipped(source.name, f"row {number}" if columns else "the first row", str(row))
        elif not columns:
            columns = _unique(row)
        else:
            number += 1
            replaced = feed.take_replaced()
            if any(cell.strip() for cell in row[len(columns) :]):
                reason = f"{len(row)} cells, but the first row names {len(columns)} columns"
                yield Skipped(source.name, f"row {number}", reason)
            else:
                cells = {column: cell for column, cell in zip(columns, row, strict=False) if cell.strip()}
                yield Found(f"row {number}", _document(source, number, columns, cells, replaced))
    yield from feed.take_skipped()
    if not number:
        yield Skipped(source.name, "", "empty: it holds no rows after the first, which names the columns")


def _rows(source: Source, feed: _Lines) -> Iterator[list[str] | InvalidInput]:
    """The rows that are not blank, or what is wrong with one."""
    waiting = iter(feed)
    filled = (line for line in waiting if line.strip())
    first = next(filled, "")
    if named := _NAMED.fullmatch(first):
        first = next(filled, "")
    guessed = "\t" if source.path.suffix.lower() == ".tsv" else _delimiter(first)
    delimiter = named[1] if named else guessed
    reader = csv.reader(chain([first], waiting), delimiter=delimiter, strict=True)
    before = feed.number - 1
    while True:
        usual = csv.field_size_limit(LONGEST_LINE)
        try:
            row: list[str] | InvalidInput | None = next(reader, None)
        except csv.Error as error:
            row = _mended(feed, before, delimiter, error)
        finally:
            csv.field_size_limit(usual)
        before = feed.number
        if row is None:
            return
        if row:
            yield row


def _mended(feed: _Lines, before: int, delimiter: str, error: csv.Error) -> list[str] | InvalidInput:
    """What can be read of a row after the line numbered `before`: odd quotes are taken as they stand in one line only.

    Over several lines they mean that a quote took in the rows after its own.
    """
    began = before + 1
    if feed.number > began:
        lost = f"a quote in the row of line {began} is not closed: lines {began} to {feed.number} were not read"
        return InvalidInput(f"{lost} ({error})")
    with suppress(csv.Error):
        return next(csv.reader([feed.last], delimiter=delimiter), [])
    return InvalidInput(f"not readable as CSV: {error}")


def _delimiter(line: str) -> str:
    """The delimiter that cuts the first row into most columns; a comma where none does."""
    if len(line) > csv.field_size_limit():
        return ","
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))


def _unique(header: Sequence[str]) -> list[str]:
    """The columns' names, with a number where a name is missing or comes twice."""
    columns: list[str] = []
    for number, cell in enumerate(header, start=1):
        name = cell.strip() or f"column {number}"
        columns.append(name if name not in columns else f"{name} {number}")
    return columns


def _document(source: Source, number: int, columns: Sequence[str], cells: dict[str, str], replaced: int) -> Document:
    id_column, title_column, text_column = (_named(columns, names) for names in (_IDS, _TITLES, _TEXTS))
    taken = {id_column, title_column, text_column}
    others = {column: cell.strip() for column, cell in cells.items() if column not in taken}
    if text_column:
        text = cells.get(text_column, "")
    else:
        text = "\n".join(f"{column}: {cell.strip()}" for column, cell in cells.items() if column != id_column)
    name = cells.get(id_column, "").strip() or f"{source.name}#row={number}"
    return Document(name, text, cells.get(title_column, "").strip(), metadata(source, others, replaced))


def _named(columns: Sequence[str], names: Sequence[str]) -> str:
    """The first column with one of the names, "" for none."""
    lowered = {column.lower(): column for column in reversed(columns)}
    return next((lowered[name] for name in names if name in lowered), "")
