"""A long run's results as they come, so that the same command goes on after Ctrl-C or a crash."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.types import Passage

VERSION = 1


def corpus_hash(passages: Iterable[Passage]) -> str:
    """A hash of the passages' ids, titles and texts, in whatever order they come: another one where one was changed."""
    each = sorted(
        hashlib.sha256(json.dumps([one.id, one.document_id, one.title, one.text]).encode()).digest() for one in passages
    )
    return hashlib.sha256(b"".join(each)).hexdigest()[:16]


class Checkpoint:
    """Finished pieces under keys, one JSON line each, written through at once. Without a file it only remembers.

    `about` says what run this is: a file of another run is refused, never mixed in. A * in the file's name becomes a
    hash of it, so that every run has a file of its own. A last line that was cut off is dropped.

    Raises:
        InvalidInput: The file belongs to another run, is something else or damaged before its last line, or can't be
            read or written.
    """

    def __init__(self, file: Path | None, about: Mapping[str, Any]) -> None:
        self._held: dict[str, Any] = {}
        mark = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
        self._file = file = file.with_name(file.name.replace("*", mark)) if file is not None else None
        if file is None:
            return
        head = _line({"version": VERSION, "run": mark, "about": dict(about)})
        if file.is_file():
            self._read(file, head)
        else:
            self._append(head)
        self.resumed = len(self._held)

    resumed = 0
    """How many pieces an earlier run had finished."""

    def get(self, key: str) -> Any:
        """The piece under this key, None where it is not done."""
        return self._held.get(key)

    def put(self, key: str, piece: Any) -> None:
        """Keeps a finished piece."""
        self._held[key] = piece
        if self._file is not None:
            self._append(_line([key, piece]))

    def finish(self) -> None:
        """Removes the file: the run is done."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _append(self, line: bytes, *, end: int | None = None) -> None:
        """Puts the line at the end, or where `end` cuts off what stands there."""
        assert self._file is not None
        try:
            if end is not None:
                os.truncate(self._file, end)
            with self._file.open("ab") as out:
                out.write(line)
        except OSError as error:
            raise InvalidInput(f"partial results can't be kept in {self._file}: {error.strerror or error}") from error

    def _read(self, file: Path, head: bytes) -> None:
        """Takes what is whole. What a kill in the middle of a write leaves is the last line, without its end."""
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise InvalidInput(f"{file} can't be read: {error.strerror or error}") from error
        lines = raw.split(b"\n")
        begun = head.startswith(raw)
        if not begun:
            _check_head(lines[0], json.loads(head)["run"], file)
        for number, line in enumerate(lines[1:-1], start=2):
            try:
                key, piece = json.loads(line)
            except (ValueError, TypeError) as error:
                raise InvalidInput(
                    f"{file} line {number} is damaged ({error}): delete the line or the file, or name another file"
                ) from error
            self._held[key] = piece
        if begun:
            self._append(head[len(raw) :])
        elif lines[-1]:
            self._append(b"", end=len(raw) - len(lines[-1]))


def _line(record: Any) -> bytes:
    return (json.dumps(record, ensure_ascii=False) + "\n").encode()


def _check_head(line: bytes, mark: str, file: Path) -> None:
    try:
        head = json.loads(line)
        known = head["version"], head["run"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{file} holds no partial results: delete it, or name another file") from error
    if known != (VERSION, mark):
        raise InvalidInput(
            f"{file} holds partial results of another run (other queries, index, models or sizes): delete it, or "
            "name another file"
        )
