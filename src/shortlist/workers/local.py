"""Workers in processes of this machine."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from shortlist.errors import WorkersFailed
from shortlist.inference.engine import usable_cores
from shortlist.workers.base import ATTEMPTS, Answer, Answers, Carried, Unit, Worker
from shortlist.workers.process import START

WAITING = 2
"""Units for each worker that are under way: the one that it works on, and the next one."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
"""The environment variables that limit the threads of numpy, torch and the tokenizers."""


class LocalWorkers:
    """Processes of this machine. Satisfies `base.Workers`.

    A process starts when its first unit is there. Standard input of a process ends with this process, so that no worker
    outlives a `kill -9`.
    """

    shares_files = True

    def __init__(self, count: int = 1, threads: int | None = None) -> None:
        self.count = count
        self.threads = max(1, usable_cores() // count) if threads is None else threads

    def run(self, make: Callable[[], Worker], units: Iterable[Unit], *, ahead: int | None = None) -> Answers:
        """See `base.Workers.run`."""
        tasks: SimpleQueue[Unit | None] = SimpleQueue()
        answers: SimpleQueue[Answer | Exception] = SimpleQueue()
        processes = [_Process(pickle.dumps(make), self.threads) for _ in range(self.count)]
        tending = [Thread(target=_tend, args=(process, tasks, answers), daemon=True) for process in processes]
        for thread in tending:
            thread.start()
        try:
            started: set[int] = set()
            source = _limited(units, started, WAITING * self.count, ahead)
            while True:
                for unit in source:
                    if unit is None:
                        break
                    started.add(unit.number)
                    tasks.put(unit)
                if not started:
                    return
                answer = answers.get()
                if isinstance(answer, Exception):
                    raise answer
                started.remove(answer.number)
                yield answer
        finally:
            for process in processes:
                process.end()
            for _ in tending:
                tasks.put(None)
            for thread, process in zip(tending, processes, strict=True):
                thread.join()
                process.release()


def _limited(units: Iterable[Unit], started: set[int], most: int, ahead: int | None) -> Iterator[Unit | None]:
    """Yield the units, and None as long as no further unit may start. `started` has those that are under way."""
    last = -1
    for unit in units:
        while len(started) >= most or (ahead is not None and started and last - min(started) >= ahead):
            yield None
        last = unit.number
        yield unit


def _tend(process: _Process, tasks: SimpleQueue[Unit | None], answers: SimpleQueue[Answer | Exception]) -> None:
    """Give one process its units, until there is none left."""
    while (unit := tasks.get()) is not None:
        try:
            answers.put(process.answer(unit))
        except Exception as error:  # noqa: BLE001 - the thread of `run` raises it
            answers.put(error)


class _EndedError(Exception):
    """The process ended before it answered."""


class _Process:
    """A worker process, which is started again if it ends. One thread uses it; any thread may call `end`."""

    def __init__(self, make: bytes, threads: int) -> None:
        self._make, self._threads = make, threads
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = Lock()
        self._over = False

    def answer(self, unit: Unit) -> Answer:
        """Return the answer of the worker. If the process ends, a new one receives the unit.

        Raises:
            WorkersFailed: The process cannot start.
            ShortlistError: The worker raised it.
        """
        ending = ""
        for _ in range(ATTEMPTS):
            process = self._started()
            try:
                self._send(process, pickle.dumps(unit.content, protocol=pickle.HIGHEST_PROTOCOL))
                return Answer(unit.number, self._receive(process))
            except _EndedError:
                ending = self.release()
        return Answer(unit.number, None, f"the worker process ended {ATTEMPTS} times ({ending})")

    def end(self) -> None:
        """End the process, also in the middle of a unit. It does not start again."""
        with self._changing:
            self._over = True
            if self._process is not None:
                self._process.kill()

    def release(self) -> str:
        """End the process, release its pipes, and return how it ended in words; without a process, an empty string."""
        with self._changing:
            process, self._process = self._process, None
        if process is None:
            return ""
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):  # bytes that nobody reads
                    stream.close()
        code = process.wait()
        return f"exit code {code}" if code >= 0 else f"signal {-code}"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            return self._process
        ending = ""
        for _ in range(ATTEMPTS):
            process = self._spawned()
            try:
                self._send(process, pickle.dumps(sys.path))
                self._send(process, self._make)
                self._receive(process)
                return process
            except _EndedError:
                ending = self.release()
        raise WorkersFailed(
            f"the worker processes end before they are ready ({ending}): if there is too little memory for their "
            "models, use fewer workers"
        )

    def _spawned(self) -> subprocess.Popen[bytes]:
        limits = dict.fromkeys(THREADS, str(self._threads))
        with self._changing:
            if self._over:
                raise WorkersFailed("the run is over")
            self._process = subprocess.Popen(
                [sys.executable, "-c", START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **limits},
                start_new_session=True,  # Ctrl-C reaches this process alone, and it ends the workers
            )
            return self._process

    def _send(self, process: subprocess.Popen[bytes], raw: bytes) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(raw)
            process.stdin.flush()
        except OSError as error:
            raise _EndedError from error

    def _receive(self, process: subprocess.Popen[bytes]) -> Any:
        assert process.stdout is not None
        try:
            message = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise _EndedError from error
        if isinstance(message, Carried):
            raise message.error()
        return message
