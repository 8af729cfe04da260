"""Progress on standard error: a bar with the time left on a terminal, or plain lines in a pipe or a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import typer

from shortlist.cli.console import remark, remarks
from shortlist.errors import ModelError, WorkersFailed

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress

CONTINUE = "run the same command again to continue"
INTERRUPTED = 130
"""The exit code after Ctrl-C."""
MEMORY_SECONDS = 20.0
"""The half-life of the measured speed: the last 20 seconds of work have the same weight as all earlier work."""
FIRST_SECONDS, FIRST_SHARE = 2.0, 0.001
"""The time left is shown after so many seconds of measurement, and after so much of the work was measured."""
LINE_SECONDS = 10.0
"""The shortest time between two lines of progress in a pipe or a file."""


class TimeLeft:
    """Estimates the time that a task still needs, and changes the shown number smoothly.

    The speed is an average in which recent work weighs more. The time before the first work does not count. The shown
    number counts down, and approaches a new estimate within about a tenth of the time that is left.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began: float | None = None
        self._at = self._done = 0.0
        self._work = self._time = 0.0
        self._shown: float | None = None

    def update(self, done: float, total: float) -> float | None:
        """Return the seconds left after `done` of `total`, or None if the speed is not known yet."""
        now = self._now()
        if self._began is None or (not self._work and done == self._done):
            self._began, self._at, self._done = now, now, done
            return None
        step = now - self._at
        fade = 0.5 ** (step / MEMORY_SECONDS)
        self._work = self._work * fade + done - self._done
        self._time = self._time * fade + step
        self._at, self._done = now, done
        if now - self._began < FIRST_SECONDS or self._work <= FIRST_SHARE * total:
            return self._shown
        estimate = max(total - done, 0.0) * self._time / self._work
        if self._shown is None:
            self._shown = estimate
        else:
            counted_down = max(self._shown - step, 0.0)
            self._shown = counted_down + (estimate - counted_down) * min(1.0, step / max(2.0, 0.1 * counted_down))
        return self._shown


def duration(seconds: float) -> str:
    """Return a number of seconds in words: "40 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{round(seconds / 5) * 5 if seconds > 20 else round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def display(detail: bool = False) -> Progress:
    """Return a bar that disappears at the end. The bar is disabled if standard error is not an interactive terminal.

    A task has the field `left`. If `detail` is true, a task also has the field `detail`.
    """
    from rich.progress import BarColumn, Progress, TextColumn

    console = remarks()
    middle = "{task.fields[detail]}" if detail else "{task.completed:.0f}/{task.total:.0f}"
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:3.0f} %"),
        TextColumn(middle, markup=False),
        TextColumn(" {task.fields[left]}", markup=False),
        console=console,
        transient=True,
        disable=not (console.is_interactive and console.file.isatty()),  # FORCE_COLOR makes a pipe interactive
    )


class PlainLines:
    """Prints progress in a pipe or a file, as plain lines: at most one line every `LINE_SECONDS`."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._at = now()

    def show(self, *parts: str) -> None:
        """Print the parts that are not empty as one line, if enough time has passed."""
        if self._now() - self._at >= LINE_SECONDS:
            self._at = self._now()
            remark(", ".join(filter(None, parts)))


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that takes the finished and the total number of items, and shows them on standard error."""
    left, lines = TimeLeft(), PlainLines()
    with display() as shown:
        task = shown.add_task(what, total=1, left="")

        def update(done: int, total: int) -> None:
            words = words_of(left.update(done, total))
            shown.update(task, completed=done, total=total, left=words)
            if shown.disable:
                lines.show(f"{what}: {done} of {total}", words)

        yield update


@contextmanager
def bars() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that takes the name of a part, and the finished and the total number of its items.

    The bar of a part replaces that of the part before.
    """
    with ExitStack() as shown:
        current: dict[str, Callable[[int, int], None]] = {}

        def update(part: str, done: int, total: int) -> None:
            if part not in current:
                shown.close()
                current.clear()
                current[part] = shown.enter_context(bar(part))
            current[part](done, total)

        yield update


def words_of(seconds: float | None) -> str:
    """Return the time left in words. An unknown time gives an empty string."""
    return "" if seconds is None else f"about {duration(seconds)} left"


@contextmanager
def kept_on_failure(kept: str | Callable[[], str]) -> Iterator[None]:
    """If Ctrl-C, a `ModelError` or `WorkersFailed` ends a run, report the results that are `kept`, and how to continue.

    `kept`, or what it returns at the end of the run, is empty if no result is kept.

    Raises:
        typer.Exit: The user pressed Ctrl-C. The code is 130.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        remark("interrupted; " + (_continued(kept) or "there were no results yet"))
        raise typer.Exit(INTERRUPTED) from error
    except (ModelError, WorkersFailed):
        if what := _continued(kept):
            remark(what)
        raise


def _continued(kept: str | Callable[[], str]) -> str:
    what = kept if isinstance(kept, str) else kept()
    return what and f"{what}: {CONTINUE}"


def kept_in(file: Path, results: str) -> Callable[[], str]:
    """Return a function for `kept_on_failure`: "RESULTS so far are in FILE", or "" if this run wrote no file.

    A * in the name stands for the hash of a run, see `Checkpoint`.
    """
    begun = time.time()

    def kept() -> str:
        files = [each for each in file.parent.glob(file.name) if each.stat().st_mtime >= begun - 1]
        return f"{results} so far are in {', '.join(map(str, sorted(files)))}" if files else ""

    return kept
