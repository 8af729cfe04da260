"""Lines of a text file, and the errors that every reader raises for a line that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput

MARK = "\ufeff"
RESOLVE = "`shortlist queries convert --index DIR` replaces snippets by ids"
"""The advice for a form that cannot represent snippets."""


def text_of(path: Path, newline: str | None = None) -> str:
    """Return the file's text, UTF-8, without a byte order mark. `newline` "" keeps line ends as they are.

    Raises:
        InvalidInput: The file cannot be read, or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8", newline=newline) as text:
            return text.read().removeprefix(MARK)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error


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
