"""Bytes to text: encodings, byte order marks, and lines of bounded length."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from shortlist.errors import InvalidInput

LONGEST_LINE = 50_000_000
"""The longest line that is read, in characters."""

LARGEST_FILE = 200_000_000
"""The largest file that is read whole, in bytes."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 8192
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> tuple[str, int]:
    """The text with each NUL and each lone surrogate replaced by U+FFFD, and how many there were."""
    return _UNSTORABLE.subn("\ufffd", text)


def read_bytes(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        InvalidInput: it is larger than `LARGEST_FILE`.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise InvalidInput(f"larger than {LARGEST_FILE // 1_000_000} MB; split it into smaller files")
    return data


def decode(data: bytes, declared: str | None = None) -> tuple[str, int]:
    """The text of a file's bytes with newlines as line feeds, and how many bytes were replaced by U+FFFD.

    A byte order mark decides; else the `declared` encoding where Python knows it as one of text; else UTF-8.

    Raises:
        InvalidInput: the bytes hold NUL, so they are not text.
    """
    encoding = _encoding(data[:_SAMPLE], declared)
    if encoding not in ("utf-16", "utf-32") and b"\0" in data:
        raise InvalidInput("not text: it holds NUL bytes")
    text, replaced = clean(data.decode(encoding, _errors(encoding)))
    return text.replace("\r\n", "\n").replace("\r", "\n"), replaced + _lost(text, encoding)


def lines(path: Path) -> Iterator[tuple[int, str | None, int]]:
    """For each line of a text file: its number from 1, its text, and how many bytes were replaced by U+FFFD.

    A line ends with a line feed, a carriage return or both, as old spreadsheets write it. The text keeps its newline
    and is None where the line is longer than `LONGEST_LINE`; memory stays bounded.

    Raises:
        InvalidInput: the file starts with NUL bytes, so it is not text.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        encoding = _encoding(_peek(file), None)
        if encoding not in ("utf-16", "utf-32") and b"\0" in _peek(file):
            raise InvalidInput("not text: it holds NUL bytes")
        reader = io.TextIOWrapper(file, encoding=encoding, errors=_errors(encoding), newline="")
        number = 0
        while line := reader.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                while line and not line.endswith(("\n", "\r")):
                    line = reader.readline(LONGEST_LINE)
                yield number, None, 0
                continue
            text, replaced = clean(line)
            yield number, text, replaced + _lost(text, encoding)


def _peek(file: BinaryIO) -> bytes:
    data = file.read(_SAMPLE)
    file.seek(0)
    return data


def _encoding(start: bytes, declared: str | None) -> str:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    try:
        name = codecs.lookup(declared or "utf-8").name
        # Not every codec is for text ("hex"), and some stop at bad bytes whatever they are told ("idna").
        b"\xff".decode(name, "replace")
    except (LookupError, ValueError):
        return "utf-8"
    return name


def _errors(encoding: str) -> str:
    """For UTF-8 each bad byte becomes one surrogate, which `clean` counts; other codecs can't do that."""
    return "surrogateescape" if encoding.startswith("utf-8") else "replace"


def _lost(text: str, encoding: str) -> int:
    """Bytes that the codec itself replaced; for UTF-8 `clean` has counted them."""
    return 0 if encoding.startswith("utf-8") else text.count("\ufffd")
