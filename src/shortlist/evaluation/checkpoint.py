"""A long run's results as they come, so that the same command goes on after Ctrl-C or a crash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.evaluation.datasets.rows import text_of
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
    hash of it, so that every run has a file of its own.

    Raises:
        InvalidInput: The file belongs to another run, is something else, or can't be written.
    """

    def __init__(self, file: Path | None, about: Mapping[str, Any]) -> None:
        self._held: dict[str, Any] = {}
        mark = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
        self._file = file = file.with_name(file.name.replace("*", mark)) if file is not None else None
        if file is None:
            return
        if file.is_file():
            self._read(file, mark)
        else:
            self._append({"version": VERSION, "run": mark, "about": dict(about)})
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
            self._append([key, piece])

    def finish(self) -> None:
        """Removes the file: the run is done."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _append(self, record: Any) -> None:
        assert self._file is not None
        try:
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
        except OSError as error:
            raise InvalidInput(f"partial results can't be kept in {self._file}: {error.strerror or error}") from error

    def _read(self, file: Path, mark: str) -> None:
        lines = text_of(file).split("\n")
        try:
            head = json.loads(lines[0])
            known = head["version"], head["run"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"{file} holds no partial results: delete it, or name another file") from error
        if known != (VERSION, mark):
            raise InvalidInput(
                f"{file} holds partial results of another run (other queries, index, models or sizes): delete it, or "
                "name another file"
            )
        # What a kill in the middle of a write leaves is the last line, without its end.
        for line in lines[1:-1]:
            key, piece = json.loads(line)
            self._held[key] = piece
        if lines[-1]:
            file.write_text("".join(f"{line}\n" for line in lines[:-1]), encoding="utf-8")
