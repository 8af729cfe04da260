"""Lines of a text file, and the errors that every reader raises for a line that cannot be used."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput

MARK = "\ufeff"
GZIP, GZIP_BYTES = ".gz", b"\x1f\x8b"
DELIMITERS = (",", ";", "\t")
_NAMED = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
"""A first line that names the delimiter, as Excel writes it."""
RESOLVE = "`shortlist queries convert --index DIR` replaces snippets by ids"
"""The advice for a form that cannot represent snippets."""


def text_of(path: Path, newline: str | None = None) -> str:
    """Return the file's text, UTF-8, without a byte order mark. `newline` "" keeps line ends as they are.

    A file in gzip is unpacked, whatever its name.

    Raises:
        InvalidInput: The file cannot be read, is damaged, or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        content = gzip.decompress(content) if content.startswith(GZIP_BYTES) else content
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{path} is a damaged gzip file: {error}") from error
    try:
        return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=newline).read().removeprefix(MARK)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error


def suffix_of(path: Path) -> str:
    """Return the file's extension in small letters, such as ".csv", also for a name such as "queries.csv.gz"."""
    inner = path.with_suffix("") if path.suffix.lower() == GZIP else path
    return inner.suffix.lower()


def table_of(path: Path, columns_known: Callable[[set[str]], int]) -> tuple[io.StringIO, str]:
    """Return the text of a table, and its delimiter: a comma, a semicolon or a tab.

    A first line `sep=;` names the delimiter. Otherwise it is the one whose header has the most columns that
    `columns_known` counts; the names are in small letters.

    Raises:
        InvalidInput: As `text_of`.
    """
    text = text_of(path, newline="")
    first, rest = text.partition("\n")[::2]
    if named := _NAMED.fullmatch(first):
        return io.StringIO(rest, newline=""), named[1]
    usual = ("\t", ",", ";") if suffix_of(path) == ".tsv" else DELIMITERS

    def known(delimiter: str) -> int:
        try:
            cells = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return columns_known({cell.strip().lower() for cell in cells})

    return io.StringIO(text, newline=""), max(usual, key=known)


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the place ("qrels.txt line 3") and the text of each line that is not blank. Raises as `text_of`."""
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.strip():
            yield f"{path} line {number}", line.rstrip("\r")


def objects_of(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place of each line and the JSON object on it.

    Raises:
        InvalidInput: As `text_of`, or a line is not a JSON object.
    """
    for place, line in lines_of(path):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{place} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise InvalidInput(f"{place} is a JSON {type(record).__name__}, not a JSON object")
        yield place, record


def grade_of(text: object, place: str) -> int:
    """Return the grade, a whole number that may be written as 1 or 1.0.

    Raises:
        InvalidInput: The text is not a whole number.
    """
    try:
        number = float(str(text))
    except ValueError:
        number = 0.5
    if isinstance(text, bool) or not number.is_integer():
        raise InvalidInput(f"{place}: grade {text!r} is not a whole number")
    return int(number)


def judge(qrels: dict[str, dict[str, int]], query_id: str, key: str, grade: int, place: str) -> None:
    """Add one judgment to `qrels`.

    Raises:
        InvalidInput: An empty id, or the pair already has another grade.
    """
    if not query_id or not key:
        raise InvalidInput(f"{place}: an id is empty")
    if qrels.setdefault(query_id, {}).setdefault(key, grade) != grade:
        raise InvalidInput(
            f"{place}: {key!r} is judged {grade} for query {query_id!r} and {qrels[query_id][key]} in an earlier line"
        )
