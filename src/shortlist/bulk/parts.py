"""The partial results of bulk work: one file for each finished unit, in a folder next to the output."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist.atomic_io import make_folder, write_whole, written_whole
from shortlist.errors import InvalidInput

VERSION = 1
ABOUT, LOCK = "run.json", "lock"
FACTS = "facts"
"""The array of a part's file that holds its facts as JSON text."""


@dataclass(frozen=True, slots=True)
class Part:
    """The result of a unit: arrays, and facts that JSON can hold. `facts["failures"]` lists the rows that failed."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


class Parts:
    """The folder `OUT.partial` with the results of the finished units of a run.

    `about` identifies the run: what the results depend on. `done` has the numbers of the finished units. Units with
    failed rows are not done, so that the next run tries them again. One process at a time may use the folder. Close it,
    or use it in a `with` statement.

    Raises:
        InvalidInput: The folder holds results of another run, or another process uses it, or it cannot be written.
    """

    def __init__(self, out: Path, about: Mapping[str, Any]) -> None:
        from filelock import FileLock, Timeout

        self.folder = out.with_name(f"{out.name}.partial")
        make_folder(self.folder)
        self._lock = FileLock(self.folder / LOCK, thread_local=False)
        try:
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise InvalidInput(f"another process works on {out}: wait for its end, or name another file") from error
        except OSError as error:
            raise InvalidInput(f"{self.folder} cannot be written: {error.strerror or error}") from error
        try:
            self._check(about)
            self.done = {int(file.stem) for file in self.folder.glob("*.npz")}
            for number in [number for number in self.done if self.get(number).facts["failures"]]:
                self.done.remove(number)
        except BaseException:
            self.close()
            raise

    def _check(self, about: Mapping[str, Any]) -> None:
        """Compare the folder with the run, or make it the folder of the run."""
        file = self.folder / ABOUT
        run = json.dumps({"version": VERSION, **about}, sort_keys=True, indent=1)
        if not file.is_file():
            write_whole(file, run)
            return
        try:
            stored = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"{file} cannot be read ({error}): delete {self.folder}, or name another file"
            ) from error
        if stored != run:
            raise InvalidInput(
                f"{self.folder} holds partial results of another run ({_differences(stored, run)}): delete it, or name "
                "another file"
            )

    def put(self, number: int, part: Part) -> None:
        """Store the result of a unit. The file is complete, or it is not there.

        Raises:
            InvalidInput: The file cannot be written.
        """
        facts = np.array(json.dumps(part.facts, ensure_ascii=False))
        with written_whole(self._file(number)) as stream:
            np.savez(stream, allow_pickle=False, **{**part.arrays, FACTS: facts})
        if not part.facts["failures"]:
            self.done.add(number)

    def get(self, number: int) -> Part:
        """Return the result of a unit that was stored, in this run or in an earlier one.

        Raises:
            InvalidInput: The file cannot be read.
        """
        file = self._file(number)
        try:
            with np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return Part(arrays, json.loads(str(arrays.pop(FACTS))))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise InvalidInput(f"{file} cannot be read ({error}): delete this file, and run again") from error

    def has(self, number: int) -> bool:
        """Return whether a unit has a result, also one with failed rows."""
        return self._file(number).is_file()

    def finish(self) -> None:
        """Delete the folder, because its results are in the output."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Let other processes use the folder. A second call does nothing."""
        self._lock.release()

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:08d}.npz"

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _differences(stored: str, run: str) -> str:
    """Return the names of the values that differ."""
    try:
        old, new = json.loads(stored), json.loads(run)
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    except (ValueError, AttributeError):
        return "its run.json is damaged"
    return f"other {', '.join(names)}"
