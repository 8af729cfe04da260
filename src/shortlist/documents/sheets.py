"""Spreadsheets: one document per row of a list, or per sheet that is no list."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from shortlist.documents.csv import row_document
from shortlist.documents.decoding import character_note, clean, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.office import OLD_FORMAT, checked_archive, errors
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.errors import MissingExtra
from shortlist.text.csv_header import unique
from shortlist.text.tables import Cell, grid, guess_header_rows, markdown
from shortlist.types import Document, Note

_Area: TypeAlias = "tuple[tuple[int, int], tuple[int, int]]"
"""The first and the last row and column of merged cells."""

_MOST_CELLS = 5_000_000
_LONGEST_NAME = 100


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per row if a sheet is a list: its first row names the columns, and no cells are merged.

    Such a row is read as a row of a CSV file. Another sheet is one document with a Markdown table, or with several:
    another table begins after an empty row, and rows with one cell above a table are lines of text. The metadata field
    "sheet" is the name of the sheet. Formulas have the values that the file stores for them. Needs the extra "files".
    """
    data = read_bytes(source.path)
    with errors(source.path.suffix or "spreadsheet"):
        book = _open(data)
        names = list(book.sheet_names)
    for name in names:
        shown = clean(name)[0]
        try:
            with errors(source.path.suffix or "spreadsheet"):
                rows, merged = _rows(book, name)
        except Unreadable as error:
            yield Skipped(source.name, f"sheet {shown!r}", error.note)
            continue
        if not rows:
            yield Skipped(source.name, f"sheet {shown!r}", Note("empty"))
        elif _is_list(rows, merged):
            yield from _records(source, shown, rows)
        else:
            text, lost = clean(_tables(rows, merged))
            fields = metadata(source, {"sheet": shown})
            yield from character_note(source, lost, f"sheet {shown!r}")
            document = Document(f"{source.name}#sheet={shown}", text, f"{source.path.stem}: {shown}", fields)
            yield Record(f"sheet {shown!r}", document)


def _open(data: bytes) -> Any:
    """Return the open file.

    Raises:
        MissingExtra: The library is not installed.
        Unreadable: The file needs a password, or is too large when unpacked.
    """
    try:
        import python_calamine
    except ImportError as error:
        raise MissingExtra("reading spreadsheets", "files") from error
    if not data.startswith(OLD_FORMAT):
        checked_archive(data).close()
    try:
        return python_calamine.load_workbook(io.BytesIO(data))
    except python_calamine.PasswordError as error:
        raise Unreadable(Note("encrypted_or_old")) from error
    except (python_calamine.CalamineError, zipfile.BadZipFile) as error:
        raise _broken(error) from error
    except BaseException as error:
        raise _panicked(error) from error


def _broken(error: BaseException) -> Unreadable:
    return Unreadable(Note("broken", format="spreadsheet", error=str(error) or type(error).__name__))


def _panicked(error: BaseException) -> BaseException:
    """Return what to raise for an error of the library: a panic in Rust is no `Exception`."""
    return _broken(error) if type(error).__name__ == "PanicException" else error


def _rows(book: Any, name: str) -> tuple[list[list[str]], list[_Area]]:
    """Return the texts of a sheet without empty rows and columns at its ends, and the merged areas."""
    import python_calamine

    try:
        sheet = book.get_sheet_by_name(name)
        if sheet.height * sheet.width > _MOST_CELLS:
            raise Unreadable(Note("too_many_cells", cells=sheet.height * sheet.width, most=_MOST_CELLS))
        values = sheet.to_python(skip_empty_area=True)
        top, left = sheet.start or (0, 0)
        areas = sheet.merged_cell_ranges or []
    except (python_calamine.CalamineError, python_calamine.WorksheetNotFound) as error:
        raise _broken(error) from error
    except BaseException as error:
        raise _panicked(error) from error
    rows = [[_text(value) for value in row] for row in values]
    merged = [((r0 - top, c0 - left), (r1 - top, c1 - left)) for (r0, c0), (r1, c1) in areas]
    while rows and not any(rows[-1]):
        rows.pop()
    return rows, merged


def _text(value: object) -> str:
    """Return a cell as text: 3.0 as "3", a day without time as "2024-01-05"."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        digits = f"{value:.15g}"  # a sheet keeps 15 digits
        return str(int(Decimal(digits))) if value.is_integer() and abs(value) < 1e21 else digits
    if isinstance(value, datetime):
        day = value.time() == time(0)
        return value.date().isoformat() if day else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return "" if value is None else str(value)


def _is_list(rows: Sequence[Sequence[str]], merged: Sequence[object]) -> bool:
    """Return whether the first row has a different short name for every column with text, and rows follow."""
    names = [name for name in rows[0] if name]
    used = [place for place in range(len(rows[0])) if any(row[place] for row in rows)]
    return (
        not merged
        and len(rows) > 1
        and len(names) == len(used) > 1
        and len(set(names)) == len(names)
        and max(map(len, names)) <= _LONGEST_NAME
        and not any(_is_other_header(rows, place) for place in range(2, len(rows) - 1))
        and guess_header_rows(grid([[Cell(text) for text in row] for row in rows[:3]])) == 1
    )


def _is_other_header(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Return whether a row after an empty row names several columns again that have numbers above and below it."""
    if any(rows[place - 1]) or not _begins_table(rows, place):
        return False
    columns = zip(rows[1], rows[place], rows[place + 1], strict=False)
    return sum(bool(name) and _is_number(above) and _is_number(below) for above, name, below in columns) > 1


def _records(source: Source, sheet: str, rows: Sequence[Sequence[str]]) -> Iterator[Record]:
    columns = unique(rows[0])
    for number, row in enumerate(rows[1:], start=1):
        cells = {column: clean(text)[0] for column, text in zip(columns, row, strict=False) if text}
        if cells:
            key, more = f"{source.name}#sheet={sheet}&row={number}", {"sheet": sheet}
            yield Record(f"sheet {sheet!r} row {number}", row_document(source, key, columns, cells, more))


def _tables(rows: Sequence[Sequence[str]], merged: Sequence[_Area]) -> str:
    """Return a sheet as text: lines that are alone in their row, and tables, with blank lines between them."""
    pieces: list[str] = []
    start = 0
    while start < len(rows):
        end = _end_of_block(rows, start)
        if sum(map(bool, rows[start])) < 2 and any(sum(map(bool, row)) > 1 for row in rows[start + 1 : end]):
            end = start + 1
            pieces.append("".join(rows[start]))
        else:
            inside = [
                ((max(r0, start) - start, c0), (r1 - start, c1))
                for (r0, c0), (r1, c1) in merged
                if start <= r1 and r0 < end
            ]
            pieces.append(markdown(_cells(rows[start:end], inside)))
        start = end
    return "\n\n".join(filter(None, pieces))


def _end_of_block(rows: Sequence[Sequence[str]], start: int) -> int:
    """Return where the rows end that belong to the row at `start`: at an empty row before another table or a line."""
    for end in range(start + 1, len(rows)):
        if not any(rows[end - 1]) and any(rows[end]) and _begins_table(rows, end):
            return end
    return len(rows)


def _begins_table(rows: Sequence[Sequence[str]], start: int) -> bool:
    """Return whether a row after an empty row begins another table: it has one cell, or names above numbers."""
    names, below = rows[start], rows[start + 1] if start + 1 < len(rows) else ()
    if sum(map(bool, names)) < 2:
        return True
    return not any(map(_is_number, names)) and any(map(_is_number, below))


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text[1:2].isdigit()


def _cells(rows: Sequence[Sequence[str]], merged: Sequence[_Area]) -> list[list[Cell]]:
    """Return the cells, those of a merged area as one cell."""
    spans = {(r0, c0): (r1 - r0 + 1, c1 - c0 + 1) for (r0, c0), (r1, c1) in merged if r0 >= 0 and c0 >= 0}
    height, width = len(rows), max(map(len, rows))
    covered: set[tuple[int, int]] = set()
    for (row, column), (down, right) in spans.items():
        area = ((r, c) for r in range(row, min(row + down, height)) for c in range(column, min(column + right, width)))
        covered |= set(area) - {(row, column)}
    return [
        [
            Cell(text, *spans.get((number, column), (1, 1)))
            for column, text in enumerate(row)
            if (number, column) not in covered
        ]
        for number, row in enumerate(rows)
    ]
