"""Workers for tests of processes and of Ray: small classes that other processes import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from shortlist.errors import InvalidInput, MissingExtra


class Doubling:
    """Returns twice the number, with the id of the process. `marks` is a folder in which it leaves files.

    It returns nothing before `together` processes have begun, however late one of them starts.
    """

    def __init__(
        self, marks: str = "", fault: str = "", place: int = -1, pause: float = 0.0, together: int = 0
    ) -> None:
        self.marks, self.fault, self.place, self.pause = Path(marks), fault, place, pause
        self.together = together

    def __call__(self, number: int) -> tuple[int, int]:
        if self.together:
            self._meet()
        time.sleep(self.pause)
        if number == self.place:
            getattr(self, self.fault)()
        return 2 * number, os.getpid()

    def _meet(self) -> None:
        (self.marks / f"{os.getpid()}.pid").touch()
        end = time.monotonic() + 240
        while len(list(self.marks.glob("*.pid"))) < self.together and time.monotonic() < end:
            time.sleep(0.02)

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def die_once(self) -> None:
        mark = self.marks / "died"
        if not mark.exists():
            mark.touch()
            self.die()

    def bad_input(self) -> None:
        raise InvalidInput("workers is 0", field="workers")

    def missing(self) -> None:
        raise MissingExtra("a test", "torch")

    def own_error(self) -> None:
        raise KeyError("place")

    def prints(self) -> None:
        print("a word on standard output")  # noqa: T201

    def waits(self) -> None:
        """Leave the id of the process, and wait for a file that nobody makes."""
        (self.marks / "waiting").write_text(str(os.getpid()), encoding="ascii")
        time.sleep(600)


def failing() -> None:
    raise MissingExtra("a test", "torch")


def dying() -> None:
    os._exit(7)


class Environment:
    """Returns the value of an environment variable."""

    def __call__(self, name: str) -> str | None:
        return os.environ.get(name)
