"""Lines of a text file, and what every reader of them says when one can't be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput

MARK = "\ufeff"
BY_INDEX = "put ids in their place (convert with --index DIR, or resolve it against the passages)"
"""What to do with snippets where a form holds none."""


def text_of(path: Path) -> str:
    """The file's text, UTF-8, without a byte order mark.

    Raises:
        InvalidInput: It can't be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8").removeprefix(MARK)
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """For each line that is not blank, where it stands ("qrels.txt line 3") and its text; raises as `text_of`."""
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.strip():
            yield f"{path} line {number}", line.rstrip("\r")


def objects_of(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON object on each line, and where it stands.

    Raises:
        InvalidInput: As `text_of`, or a line holds no JSON object.
    """
    for place, line in lines_of(path):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{place} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise InvalidInput(f"{place} holds {type(record).__name__}, not a JSON object")
        yield place, record


def grade_of(text: object, place: str) -> int:
    """A grade: a whole number, written as one or as 1.0.

    Raises:
        InvalidInput: It is none.
    """
    try:
        number = float(str(text))
    except ValueError:
        number = 0.5
    if isinstance(text, bool) or not number.is_integer():
        raise InvalidInput(f"{place}: grade {text!r} is no whole number")
    return int(number)


def judge(qrels: dict[str, dict[str, int]], query_id: str, key: str, grade: int, place: str) -> None:
    """Writes one judgment down.

    Raises:
        InvalidInput: An empty id, or the pair was judged otherwise before.
    """
    if not query_id or not key:
        raise InvalidInput(f"{place}: an id is empty")
    if qrels.setdefault(query_id, {}).setdefault(key, grade) != grade:
        raise InvalidInput(
            f"{place}: {key!r} is judged {grade} for query {query_id!r} and {qrels[query_id][key]} above"
        )
