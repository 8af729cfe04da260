"""The stored results of a long run. After Ctrl-C or a crash, the same command continues."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.types import Passage

VERSION = 2


def corpus_hash(passages: Iterable[Passage]) -> str:
    """Return a hash of the ids, titles and texts of the passages. Their order does not change it."""
    hashes = sorted(
        hashlib.sha256(json.dumps([each.id, each.document_id, each.title, each.text]).encode()).digest()
        for each in passages
    )
    return hashlib.sha256(b"".join(hashes)).hexdigest()[:16]


class Checkpoint:
    """The finished pieces of a run, by key.

    Each piece is written at once, as a JSON line. Without a file, all is in memory.

    `about` identifies the run: the file of another run is an error, so two runs are never mixed. A * in the file's name
    becomes a hash of `about`, so every run has a file of its own. An incomplete last line is ignored. `resumed` counts
    the pieces that an earlier run finished.

    Raises:
        InvalidInput: The file belongs to another run, is not a checkpoint, is damaged before its last line, or cannot
            be read or written.
    """

    def __init__(self, file: Path | None, about: Mapping[str, Any]) -> None:
        self._pieces: dict[str, Any] = {}
        self.resumed = 0
        run = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
        self._file = file = file.with_name(file.name.replace("*", run)) if file is not None else None
        if file is None:
            return
        head = _line({"version": VERSION, "run": run, "about": dict(about)})
        if file.is_file():
            self._read(file, head)
        else:
            self._append(head)
        self.resumed = len(self._pieces)

    def get(self, key: str) -> Any:
        """Return the piece under this key, or None if it is not done."""
        return self._pieces.get(key)

    def put(self, key: str, piece: Any) -> None:
        """Store a finished piece."""
        self._pieces[key] = piece
        if self._file is not None:
            self._append(_line([key, piece]))

    def finish(self) -> None:
        """Delete the file, because the run is done."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _append(self, line: bytes, *, end: int | None = None) -> None:
        """Write the line at the end of the file. If `end` is given, first cut the file to `end` bytes."""
        assert self._file is not None
        try:
            if end is not None:
                os.truncate(self._file, end)
            with self._file.open("ab") as out:
                out.write(line)
        except OSError as error:
            raise InvalidInput(
                f"partial results cannot be written to {self._file}: {error.strerror or error}"
            ) from error

    def _read(self, file: Path, head: bytes) -> None:
        """Read the complete lines. If the process was killed during a write, the last line is incomplete."""
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise InvalidInput(f"{file} cannot be read: {error.strerror or error}") from error
        lines = raw.split(b"\n")
        only_head = head.startswith(raw)
        if not only_head:
            _check_head(lines[0], json.loads(head)["run"], file)
        for number, line in enumerate(lines[1:-1], start=2):
            try:
                key, piece = json.loads(line)
            except (ValueError, TypeError) as error:
                raise InvalidInput(
                    f"{file} line {number} is damaged ({error}): delete the line or the file, or name another file"
                ) from error
            self._pieces[key] = piece
        os.utime(file)  # the command line recognises the files of a run by their time
        if only_head:
            self._append(head[len(raw) :])
        elif lines[-1]:
            self._append(b"", end=len(raw) - len(lines[-1]))


def _line(record: Any) -> bytes:
    return (json.dumps(record, ensure_ascii=False) + "\n").encode()


def _check_head(line: bytes, run: str, file: Path) -> None:
    try:
        head = json.loads(line)
        version, head_run = head["version"], head["run"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{file} does not hold partial results: delete it, or name another file") from error
    if (version, head_run) != (VERSION, run):
        raise InvalidInput(
            f"{file} holds partial results of another run (other queries, index, models or sizes): delete it, or name "
            "another file"
        )
