"""Bytes to text: encodings, byte order marks, and lines of limited length."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from shortlist.documents.source import Unreadable
from shortlist.types import Note

LONGEST_LINE = 50_000_000
"""The longest line that is read, in characters."""

LARGEST_FILE = 200_000_000
"""The largest file that is read whole, in bytes."""

MEGABYTE = 1_000_000

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
    """Replace each NUL and each lone surrogate by U+FFFD. Return the text and the number of replacements."""
    return _UNSTORABLE.subn("\ufffd", text)


def read_bytes(path: Path) -> bytes:
    """Return all bytes of a file.

    Raises:
        Unreadable: The file is larger than `LARGEST_FILE`.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise Unreadable(Note("too_large", megabytes=LARGEST_FILE // MEGABYTE, unpacked=False))
    return data


def decode(data: bytes, declared: str | None = None) -> tuple[str, int]:
    """Return the text of a file, and the number of bytes that were replaced by U+FFFD. Line ends become line feeds.

    The encoding is that of the byte order mark; without a mark, the `declared` one if Python has a text codec of this
    name; otherwise UTF-8.

    Raises:
        Unreadable: The bytes contain NUL, so they are not text.
    """
    encoding = _encoding(data[:_SAMPLE], declared)
    if encoding not in ("utf-16", "utf-32") and b"\0" in data:
        raise Unreadable(Note("not_text"))
    text, replaced = clean(data.decode(encoding, _errors(encoding)))
    return text.replace("\r\n", "\n").replace("\r", "\n"), replaced + _lost(text, encoding)


def lines(path: Path) -> Iterator[tuple[int, str | None, int]]:
    """Yield each line of a text file: its number from 1, its text, and the number of bytes replaced by U+FFFD.

    A line ends with a line feed, a carriage return, or both. The text includes its line end. The text is None if the
    line is longer than `LONGEST_LINE`. Memory stays bounded.

    Raises:
        Unreadable: The file starts with NUL bytes, so it is not text.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        encoding = _encoding(_peek(file), None)
        if encoding not in ("utf-16", "utf-32") and b"\0" in _peek(file):
            raise Unreadable(Note("not_text"))
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
        # Some codecs are not for text ("hex"). Others raise on bad bytes with every error handler ("idna").
        b"\xff".decode(name, "replace")
    except (LookupError, ValueError):
        return "utf-8"
    return name


def _errors(encoding: str) -> str:
    """The error handler: in UTF-8 each bad byte becomes a surrogate, which `clean` counts. Other codecs cannot."""
    return "surrogateescape" if encoding.startswith("utf-8") else "replace"


def _lost(text: str, encoding: str) -> int:
    """Return the number of bytes that the codec replaced; `clean` counts those of UTF-8."""
    return 0 if encoding.startswith("utf-8") else text.count("\ufffd")
