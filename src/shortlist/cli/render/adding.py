"""What `shortlist add` shows while it works."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from shortlist.cli.console import remark
from shortlist.cli.render.progress import PlainLines, TimeLeft, display, words_of
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from shortlist.collection import Progress

LOADING = "loading models"


class Display:
    """Prints "loading models" at once, then shows a bar with passages per second and the time left.

    If the run ends with passages that must be precomputed, a second bar shows them. Only a terminal gets a bar. A pipe
    or a file gets a plain line with the same facts every ten seconds.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._states: TaskID | None = None
        self._meter = Meter()
        self._states_left = TimeLeft()
        self._lines = PlainLines()

    def __enter__(self) -> Display:
        remark(LOADING, "dim")
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def show(self, progress: Progress) -> None:
        """Show the progress of the ingest."""
        if self._bar is None:
            self._bar = self._stack.enter_context(display(detail=True))
            self._task = self._bar.add_task("embedding", total=progress.bytes_total, detail="", left="")
        if progress.states_total:
            self._show_states(self._bar, progress)
        elif self._task is not None:
            detail, left = self._meter.read(progress)
            self._bar.update(self._task, completed=progress.bytes_done, detail=detail, left=left)
            if self._bar.disable:
                done = 100 * progress.bytes_done / max(progress.bytes_total, 1)
                self._lines.show(f"embedding: {done:.0f} %", detail, left)

    def _show_states(self, bar: Bar, progress: Progress) -> None:
        done, total = progress.states, progress.states_total
        if self._states is None:
            self._states = bar.add_task("precomputing", total=total, detail="", left="")
        left = words_of(self._states_left.update(done, total))
        bar.update(self._states, completed=done, detail=counted(done, "passage"), left=left)
        if bar.disable:
            self._lines.show(f"precomputing: {100 * done / total:.0f} %", counted(done, "passage"), left)


class Meter:
    """Turns the progress of an ingest into words: passages per second, and the time left.

    Unchanged sources cost no time. They count neither as work done nor as work to do. The time in which workers start,
    and the work that all of them then finish at once, do not count either.
    """

    def __init__(self, left: TimeLeft | None = None) -> None:
        self._left = left or TimeLeft()
        self._sources = self._bytes = self._passages = self._unchanged = 0

    def read(self, progress: Progress) -> tuple[str, str]:
        """Return the speed and the time left in words."""
        if progress.sources_done != self._sources:
            if progress.passages == self._passages:
                self._unchanged += progress.bytes_done - self._bytes
            self._sources, self._bytes, self._passages = progress.sources_done, progress.bytes_done, progress.passages
        speed = f", {progress.passages_per_second:.0f}/s" if progress.passages else ""
        if progress.is_starting:
            return counted(progress.passages, "passage") + speed, ""
        seconds = self._left.update(progress.bytes_done - self._unchanged, progress.bytes_total - self._unchanged)
        return counted(progress.passages, "passage") + speed, words_of(seconds)
