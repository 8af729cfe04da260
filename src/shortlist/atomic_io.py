"""Files that are written completely or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from shortlist.errors import InvalidInput, ShortlistError


def check_place(file: Path) -> None:
    """Check that `write_whole` can write to `file`, before a long run. Nothing is written.

    Raises:
        InvalidInput: `file` is a folder, its folder does not exist, or one of them is read-only.
    """
    folder = file.absolute().parent
    if not folder.is_dir():
        raise InvalidInput(f"{file} is in a folder that does not exist: make {folder}, or name another file")
    if file.is_dir():
        raise InvalidInput(f"{file} is a folder: name another file")
    places = [*([file] if file.exists() else []), *([] if _is_special(file) else [file.resolve().parent])]
    if not all(os.access(place, os.W_OK) for place in places):
        raise InvalidInput(f"{file} cannot be written, because the file or its folder is read-only: name another file")


def write_whole(file: Path, text: str, failure: type[ShortlistError] = InvalidInput) -> None:
    """Create or replace the file, in UTF-8 and with the line ends of `text`. A crash leaves the old or the new file.

    The text is first written to `FILE.part` in the same folder. A link stays a link, and the mode of the file stays. A
    special file, such as a pipe, is written directly.

    Raises:
        InvalidInput: The file cannot be written. `failure` is the class of the error.
    """
    try:
        if _is_special(file):
            file.write_text(text, encoding="utf-8", newline="")
        else:
            _replace(file.resolve(), text.encode())
    except OSError as error:
        raise failure(f"{file} cannot be written: {error.strerror or error}") from error


@contextmanager
def written_whole(file: Path) -> Iterator[IO[bytes]]:
    """Yield a stream whose content becomes the file if the enclosed code raises no error. See `write_whole`.

    Raises:
        InvalidInput: The file cannot be written.
    """
    try:
        if _is_special(file):
            with file.open("wb") as stream:
                yield stream
        else:
            with _replacing(file.resolve()) as stream:
                yield stream
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror or error}") from error


def make_folder(folder: Path, failure: type[ShortlistError] = InvalidInput) -> None:
    """Make the folder and the folders above it, if they are missing.

    Raises:
        InvalidInput: The folder cannot be made. `failure` is the class of the error.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failure(f"{folder} cannot be made: {error.strerror or error}") from error


def check_new_folder(folder: Path) -> None:
    """Check that `written_folder` can make the folder, before a long run. Nothing is written.

    Raises:
        InvalidInput: The folder exists and is not empty, the folder above it does not exist, or it is read-only.
    """
    above = folder.absolute().parent
    if not above.is_dir():
        raise InvalidInput(f"{folder} is in a folder that does not exist: make {above}, or name another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"{folder} exists already: delete it, or name another folder")
    if not os.access(above, os.W_OK):
        raise InvalidInput(f"{folder} cannot be made, because {above} is read-only: name another folder")


@contextmanager
def written_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder, `FOLDER.part`, which becomes `folder` if the enclosed code raises no error.

    Raises:
        InvalidInput: See `check_new_folder`, or a file cannot be written.
    """
    check_new_folder(folder)
    part = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
        part.mkdir()
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                with file.open("rb+") as stream:
                    os.fsync(stream.fileno())
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _is_special(file: Path) -> bool:
    return file.exists() and not file.is_file()


def _replace(file: Path, raw: bytes) -> None:
    with _replacing(file) as stream:
        stream.write(raw)


@contextmanager
def _replacing(file: Path) -> Iterator[IO[bytes]]:
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            shutil.copymode(file, part)
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
