"""Text files written whole or not at all, and whether one can be written, asked before a long run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from shortlist.errors import InvalidInput, ShortlistError


def check_place(file: Path) -> None:
    """Does nothing where `write_whole` can write to `file`, as far as can be told without writing.

    Raises:
        InvalidInput: It is a folder, its folder does not exist, or one of them may not be written to.
    """
    folder = file.absolute().parent
    if not folder.is_dir():
        raise InvalidInput(f"{file} lies in a folder that does not exist: make {folder}, or name another file")
    if file.is_dir():
        raise InvalidInput(f"{file} is a folder: name another file")
    places = [*([file] if file.exists() else []), *([] if _is_special(file) else [file.resolve().parent])]
    if not all(os.access(place, os.W_OK) for place in places):
        raise InvalidInput(f"{file} can't be written: it, or its folder, is read-only here. Name another file")


def write_whole(file: Path, text: str, failure: type[ShortlistError] = InvalidInput) -> None:
    """Replaces the file, or makes it, in UTF-8 and with the line ends of `text`; a crash leaves the old one or the new.

    The text goes to `FILE.part` beside it first. A link stays one, a file's mode is kept, and what is no regular file,
    such as a pipe, is written to as it is.

    Raises:
        InvalidInput: It can't be written; an error of the kind `failure` where another one is given.
    """
    try:
        if _is_special(file):
            file.write_text(text, encoding="utf-8", newline="")
        else:
            _replace(file.resolve(), text.encode())
    except OSError as error:
        raise failure(f"{file} can't be written: {error.strerror or error}") from error


def make_folder(folder: Path) -> None:
    """Makes the folder and those above it; nothing where it is there.

    Raises:
        InvalidInput: It can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} can't be made: {error.strerror or error}") from error


def _is_special(file: Path) -> bool:
    return file.exists() and not file.is_file()


def _replace(file: Path, raw: bytes) -> None:
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            out.write(raw)
            out.flush()
            os.fsync(out.fileno())
        if file.exists():
            shutil.copymode(file, part)
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
