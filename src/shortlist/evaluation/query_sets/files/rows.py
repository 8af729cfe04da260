"""Lines of a text file, and the errors that every reader raises for a line that cannot be used."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shortlist.documents.decoding import Decoded, decode
from shortlist.documents.jsonl import bad_characters, has_bad_escape
from shortlist.documents.options import ReadOptions
from shortlist.documents.source import Unreadable
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.query_set import QuerySet
from shortlist.text.csv_quotes import NAMED_DELIMITER
from shortlist.wording.counting import counted

GZIP, GZIP_BYTES = ".gz", b"\x1f\x8b"
DELIMITERS = (",", ";", "\t")
_REMEDY = "save the file as UTF-8, or name its encoding (encoding, or --encoding on the command line)"
RESOLVE = "`shortlist queries convert --index DIR` replaces snippets by ids"
"""The advice for a form that cannot represent snippets."""


def check_plain(query_set: QuerySet, form: str) -> None:
    """Raise InvalidInput if the set has rerank queries, which `form` cannot hold."""
    if query_set.rerank_queries:
        raise InvalidInput(
            f"{query_set.name} has rerank queries, which {form} cannot hold: write a .jsonl or .csv file"
        )


@dataclass(frozen=True, slots=True)
class Encodings:
    """How to read the files of a query set that are not UTF-8, and what was guessed about them.

    `given` is Python's name of the codec that the user gives, or "" for a guess. `guessed` maps the path of each file
    that was read by a guess to the codec. The readers add to it.
    """

    given: str = ""
    guessed: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def named(name: str) -> Encodings:
        """Return the encodings for a name of the user, or "". Raises InvalidInput if Python does not know the name."""
        return Encodings(ReadOptions(encoding=name).encoding)

    def decoded(self, content: bytes, line_ends: bool) -> Decoded:
        """Return the text of a file: see `documents.decoding.decode`. The guess for an earlier file applies if it fits.

        Judgments are mostly ASCII, so their queries tell more about the encoding of both.

        Raises:
            Unreadable: The bytes are not text, or no encoding fits.
        """
        decoded = decode(content, given=self.given, line_ends=line_ends)
        before = next(reversed(self.guessed.values()), "")
        if decoded.guessed and before:
            with suppress(Unreadable):
                return decode(content, given=before, line_ends=line_ends)._replace(guessed=before)
        return decoded


def text_of(path: Path, encodings: Encodings | None = None, *, line_ends: bool = False) -> str:
    """Return the file's text without a byte order mark. Line ends become line feeds, unless `line_ends` keeps them.

    A file in gzip is unpacked, whatever its name. Without `encodings`, a file without a mark must be UTF-8.

    Raises:
        InvalidInput: The file cannot be read, is damaged, or its bytes do not fit its encoding.
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
        text, replaced, guessed = (encodings or Encodings()).decoded(content, line_ends)
    except Unreadable as error:
        raise InvalidInput(f"{path}: {error}; {_REMEDY}") from error
    if guessed and encodings is None:
        raise InvalidInput(f"{path} is not UTF-8 (perhaps {guessed}): save the file as UTF-8")
    if replaced:
        name = guessed or (encodings.given if encodings else "") or "its encoding"
        raise InvalidInput(f"{path} has {counted(replaced, 'byte')} that {name} cannot hold; {_REMEDY}")
    if guessed and encodings is not None:
        encodings.guessed[str(path)] = guessed
    return text


def suffix_of(path: Path) -> str:
    """Return the file's extension in small letters, such as ".csv", also for a name such as "queries.csv.gz"."""
    inner = path.with_suffix("") if path.suffix.lower() == GZIP else path
    return inner.suffix.lower()


def table_of(
    path: Path, columns_known: Callable[[set[str]], int], encodings: Encodings | None = None
) -> tuple[io.StringIO, str]:
    """Return the text of a table, and its delimiter: a comma, a semicolon or a tab.

    A first line `sep=;` names the delimiter, and stays in the text. Otherwise the delimiter is the one whose header has
    the most columns that `columns_known` counts; the names are in small letters.

    Raises:
        InvalidInput: As `text_of`.
    """
    text = io.StringIO(text_of(path, encodings, line_ends=True), newline="")
    first = text.readline()
    text.seek(0)
    if named := NAMED_DELIMITER.fullmatch(first):
        return text, named[1]
    usual = ("\t", ",", ";") if suffix_of(path) == ".tsv" else DELIMITERS

    def known(delimiter: str) -> int:
        try:
            cells = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return columns_known({cell.strip().lower() for cell in cells})

    return text, max(usual, key=known)


def lines_of(path: Path, encodings: Encodings | None = None) -> Iterator[tuple[str, str]]:
    """Yield the place ("qrels.txt line 3") and the text of each line that is not blank. Raises as `text_of`."""
    for number, line in enumerate(text_of(path, encodings).split("\n"), start=1):
        if line.strip():
            yield f"{path} line {number}", line.rstrip("\r")


def objects_of(path: Path, encodings: Encodings | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place of each line and the JSON object on it.

    Raises:
        InvalidInput: As `text_of`, or a line is not a JSON object, or has characters that are no text.
    """
    for place, line in lines_of(path, encodings):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{place} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise InvalidInput(f"{place} is a JSON {type(record).__name__}, not a JSON object")
        if has_bad_escape(line) and bad_characters(record):
            raise InvalidInput(f"{place} has the escape of NUL or of half a surrogate pair, which is no text")
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
