"""Bytes to text: whole files, and lines of limited length."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from shortlist.documents.codec_names import codec_of
from shortlist.documents.encodings import (
    SAMPLE_AFTER,
    SAMPLE_BEFORE,
    UTF8,
    Encoding,
    legacy,
    of_mark,
    readable,
    seven_bit,
    wide,
)
from shortlist.documents.source import Skipped, Source, Unreadable
from shortlist.types import Note

LONGEST_LINE = 50_000_000
"""The longest line that is read, in characters."""

LARGEST_FILE = 200_000_000
"""The largest file that is read whole, in bytes."""

MEGABYTE = 1_000_000

_SAMPLE = 8192
_BLOCK = 1 << 20
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


class Decoded(NamedTuple):
    """A text, the number of bytes that U+FFFD replaces in it, and its encoding if that is a guess, or ""."""

    text: str
    replaced: int
    guessed: str = ""


def read_text(source: Source, declared: str | None = None) -> Decoded:
    """Return the text of a file: see `decode`.

    Raises:
        Unreadable: The file is larger than `LARGEST_FILE`, or its bytes are not text.
        OSError: The file cannot be read.
    """
    return decode(read_bytes(source.path), declared, source.options.encoding)


def decode(data: bytes, declared: str | None = None, given: str = "", *, line_ends: bool = False) -> Decoded:
    """Return the text of some bytes. Line ends become line feeds, unless `line_ends` keeps them.

    The encoding is that of the byte order mark; without a mark, the `declared` one if Python has a text codec of this
    name and the bytes fit it; otherwise UTF-8 if the bytes are UTF-8 or almost; otherwise the codec `given` by the
    user; otherwise a guess.

    Raises:
        Unreadable: The bytes are not text, or no encoding fits.
    """
    encoding = _encoding(data, declared, given)
    text, replaced = clean(data.decode(encoding.name, encoding.errors))
    if not line_ends:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text, replaced + encoding.lost(text), encoding.name if encoding.guessed else "")


def _encoding(data: bytes, declared: str | None, given: str) -> Encoding:
    """Return the encoding of a whole text."""
    if mark := of_mark(data):
        return mark
    codec = codec_of(declared)
    own = Encoding(codec) if codec not in ("", "utf-8", "ascii") else None
    if own is not None and own.name.startswith(("utf-16", "utf-32")):
        return own
    if b"\0" in data:
        return wide(data[: SAMPLE_BEFORE + SAMPLE_AFTER], given)
    if own is not None and _misfit(data, own.name) is None:
        return own
    place = _misfit(data, "utf-8")
    if place is None:
        return seven_bit(data, given) or UTF8
    sample = _around(data, place)
    return own if own is not None and readable(sample, own.name) else legacy(sample, given)


def _misfit(data: bytes, codec: str) -> int | None:
    """Return the place of the first byte that does not fit the encoding, or None if all fit."""
    try:
        data.decode(codec)
    except UnicodeDecodeError as error:
        return error.start
    except ValueError:
        return 0
    return None


def _around(data: bytes, place: int) -> bytes:
    """Return the part of a text from which the encoding is chosen. It begins at a line, if it is not the start."""
    first = max(0, place - SAMPLE_BEFORE)
    first = max(first, data.find(b"\n", first, place) + 1) if first else 0
    return data[first : place + SAMPLE_AFTER]


def line_encoding(source: Source) -> Encoding:
    """Return the encoding of a file that is read line by line: see `decode`. The file is read in blocks.

    Raises:
        Unreadable: The file starts with NUL bytes and is not text, or no encoding fits.
        OSError: The file cannot be read.
    """
    given = source.options.encoding
    with source.path.open("rb") as file:
        start = file.read(_SAMPLE)
        if mark := of_mark(start):
            return mark
        if b"\0" in start:
            return wide(start, given)
        file.seek(0)
        place, escaped = _scanned(file)
        file.seek(0 if place is None else max(0, place - SAMPLE_BEFORE))
        if place is None:
            return seven_bit(file.read(LARGEST_FILE), given) or UTF8 if escaped or given else UTF8
        sample = file.read(SAMPLE_BEFORE + SAMPLE_AFTER)
        return legacy(sample[sample.find(b"\n", 0, SAMPLE_BEFORE) + 1 :] if place > SAMPLE_BEFORE else sample, given)


def _scanned(file: BinaryIO) -> tuple[int | None, bool]:
    """Return about the place of the first byte that is not UTF-8, None if all are, and whether there are escapes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before, escaped, block = 0, False, b""
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
            before += len(block)
            escaped = escaped or b"\x1b" in block
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return before + (error.start if block else 0), escaped
    return None, escaped


def lines(path: Path, encoding: Encoding) -> Iterator[tuple[int, str | None, int]]:
    """Yield each line of a text file: its number from 1, its text, and the number of bytes replaced by U+FFFD.

    A line ends with a line feed, a carriage return, or both. The text includes its line end. The text is None if the
    line is longer than `LONGEST_LINE`. Memory stays bounded.

    Raises:
        OSError: The file cannot be read.
    """
    with io.TextIOWrapper(path.open("rb"), encoding.name, encoding.errors, newline="") as reader:
        number = 0
        while line := reader.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                while line and not line.endswith(("\n", "\r")):
                    line = reader.readline(LONGEST_LINE)
                yield number, None, 0
                continue
            text, replaced = clean(line)
            yield number, text, replaced + encoding.lost(text)


def character_note(source: Source, count: int, place: str = "") -> Iterator[Skipped]:
    """Yield the report of characters that `clean` replaces although the bytes of the file are right, if there are any.

    A JSON text can have half of a surrogate pair or NUL as an escape, and a PDF file as a character of a font.
    """
    if count:
        yield Skipped(source.name, place, Note("bad_characters", count=count))


def guess_note(source: Source, guessed: str, place: str = "") -> Iterator[Skipped]:
    """Yield the report of an encoding that is a guess. `guessed` is its name, or ""."""
    if guessed:
        yield Skipped(source.name, place, Note("guessed_encoding", encoding=guessed))
