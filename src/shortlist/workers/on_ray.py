"""Workers on a Ray cluster: an actor pool of Ray Data."""

from __future__ import annotations

import logging
import pickle
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any

from shortlist.errors import InvalidInput, MissingExtra, WorkersFailed
from shortlist.workers.base import ATTEMPTS, Answer, Answers, Carried, Unit, Worker

WAVE_BYTES = 1 << 30
"""The largest content of the units of one dataset. They are in Ray's object store, which spills to disk.

The actors start anew for each dataset.
"""
CLIENT = "ray://"
"""Such an address leads through Ray's client, which cannot run Ray Data itself: an actor of the cluster runs it."""
CONNECTING = 10.0
"""Seconds to wait for the connection to a cluster."""


@dataclass(frozen=True, slots=True)
class Actors:
    """The actors of a dataset: their number, and the CPUs and GPUs of each."""

    count: int
    threads: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a unit is given to another actor again, and the most units that an actor has at a time.

    The end of an actor costs a try of each of its units.
    """

    again: int
    units: int


QUEUED, ALONE = Tries(ATTEMPTS - 2, 2), Tries(0, 1)
"""A unit is lost if it ends the actor that has this unit alone, after it ended others."""


class RayWorkers:
    """Actors of a Ray cluster. Satisfies `base.Workers`.

    Every node needs this version of the package. If the process is connected to Ray already, this connection is used.
    If an actor or a node ends, Ray gives the unit to another actor, up to `ATTEMPTS` times.

    Args:
        address: "auto", "local", or the address of a cluster.
        count: The number of actors. None: one for every `threads` CPUs of the cluster.
        threads: The CPUs of an actor.
        gpus: The GPUs of an actor.

    Raises:
        MissingExtra: The ray extra is not installed.
    """

    shares_files = False

    def __init__(self, address: str, count: int | None = None, threads: int = 1, *, gpus: int = 0) -> None:
        try:
            import ray.data  # noqa: F401 - the packages of Ray Data may be missing, too
        except ImportError as error:
            raise MissingExtra("work on Ray", "ray") from error
        self.address = address
        self.count = count
        self.threads = threads
        self.gpus = gpus

    def run(self, make: Callable[[], Worker], units: Iterable[Unit], *, ahead: int | None = None) -> Answers:
        """See `base.Workers.run`. The units of one dataset are read at once; `ahead` has no effect."""
        with _connected(self.address):
            for wave in _waves(units, WAVE_BYTES):
                yield from self._answers(make, wave)

    def _answers(self, make: Callable[[], Worker], wave: list[dict[str, Any]]) -> Iterator[Answer]:
        import ray

        actors = self._actors()
        stream = _from_cluster if ray.util.client.ray.is_connected() else _stream
        missing = {int(row["number"]): row for row in wave}
        for tries in (QUEUED, ALONE):
            rows = list(missing.values())
            for number, value in stream(pickle.dumps(make), rows, actors, tries) if rows else ():
                answer = pickle.loads(value)
                if isinstance(answer, Carried):
                    raise answer.error()
                del missing[number]
                yield Answer(number, answer)
        for number in missing:
            yield Answer(number, None, f"the actors that received it ended {ATTEMPTS} times")

    def _actors(self) -> Actors:
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        largest = int(max((node.get("CPU", 0) for node in nodes), default=0))
        if self.threads > largest:
            raise InvalidInput(
                f"a worker needs {self.threads} CPUs, and the largest node of the Ray cluster has {largest}: use fewer "
                "threads",
                field="threads",
            )
        everywhere = sum(int(node.get("CPU", 0)) // self.threads for node in nodes)
        return Actors(everywhere if self.count is None else self.count, self.threads, self.gpus)


class RayWorker:
    """The worker as an actor: it turns the units of a batch into values. An error of the worker is its value."""

    def __init__(self, make: bytes) -> None:
        try:
            self._worker: Worker = pickle.loads(make)()
        except Exception as error:  # noqa: BLE001 - the process with the run raises it
            failure = Carried.of(error)
            self._worker = lambda _: failure

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the number and the pickled value of each unit."""
        return {"number": batch["number"], "value": [self._value(raw) for raw in batch["content"]]}

    def _value(self, raw: bytes) -> bytes:
        try:
            value = self._worker(pickle.loads(raw))
        except Exception as error:  # noqa: BLE001 - the process with the run raises it
            value = Carried.of(error)
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def _stream(make: bytes, wave: list[dict[str, Any]], actors: Actors, tries: Tries) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the pickled value of each unit. A unit whose actors ended too often is left out."""
    from ray import data

    dataset = data.from_items(wave, override_num_blocks=len(wave))
    dataset.context.enable_progress_bars = False
    dataset.context.max_errored_blocks = -1
    size = min(actors.count, len(wave))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ray 2.64 has another place for max_task_retries
        values = dataset.map_batches(
            RayWorker,
            fn_constructor_args=(make,),
            batch_size=1,
            compute=data.ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=tries.units),
            num_cpus=actors.threads,
            num_gpus=actors.gpus,
            max_task_retries=tries.again,
        )
    for row in values.iter_rows():
        yield int(row["number"]), row["value"]


def _from_cluster(make: bytes, wave: list[dict[str, Any]], actors: Actors, tries: Tries) -> Iterator[tuple[int, bytes]]:
    """Yield what `_stream` yields in an actor of the cluster."""
    import ray

    streamer: Any = ray.remote(num_cpus=0)(Streamer).remote()
    try:
        ray.get(streamer.start.remote(make, wave, actors, tries))
        while rows := ray.get(streamer.take.remote()):
            yield from rows
    finally:
        ray.kill(streamer)


class Streamer:
    """Runs a dataset in a thread. `take` returns its rows."""

    def __init__(self) -> None:
        self._rows: SimpleQueue[tuple[int, bytes] | Exception | None] = SimpleQueue()

    def start(self, make: bytes, wave: list[dict[str, Any]], actors: Actors, tries: Tries) -> None:
        """Start the dataset of `_stream`."""
        Thread(target=self._run, args=(make, wave, actors, tries), daemon=True).start()

    def take(self) -> list[tuple[int, bytes]]:
        """Wait for rows, and return those that are there; none after the last row.

        Raises:
            Exception: The dataset failed.
        """
        rows: list[tuple[int, bytes]] = []
        while not rows or not self._rows.empty():
            row = self._rows.get()
            if isinstance(row, Exception):
                raise row
            if row is None:
                self._rows.put(None)
                break
            rows.append(row)
        return rows

    def _run(self, make: bytes, wave: list[dict[str, Any]], actors: Actors, tries: Tries) -> None:
        try:
            for row in _stream(make, wave, actors, tries):
                self._rows.put(row)
        except Exception as error:  # noqa: BLE001 - `take` raises it
            self._rows.put(error)
        self._rows.put(None)


def _waves(units: Iterable[Unit], most: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the units as rows, as many at a time as fit into `most` bytes, at least one."""
    wave: list[dict[str, Any]] = []
    size = 0
    for unit in units:
        content = pickle.dumps(unit.content, protocol=pickle.HIGHEST_PROTOCOL)
        if wave and size + len(content) > most:
            yield wave
            wave, size = [], 0
        wave.append({"number": unit.number, "content": content})
        size += len(content)
    if wave:
        yield wave


def _reach(address: str) -> None:
    """Open a connection to an address with a host and a port: Ray waits for minutes if nothing listens there.

    Raises:
        OSError: Nothing listens there.
    """
    host, _, port = address.removeprefix(CLIENT).partition("/")[0].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECTING).close()


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """Connect to the cluster, and leave it at the end. An existing connection is used, and stays.

    Raises:
        WorkersFailed: The cluster does not answer, or fails.
    """
    import ray

    own = not ray.is_initialized()
    if own:
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        try:
            _reach(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            raise WorkersFailed(
                f"no Ray cluster answers at {address} ({error}): start one with ray start --head, or give the address "
                "of one, such as ray://host:10001"
            ) from error
    try:
        yield
    except ray.exceptions.RayError as error:
        raise WorkersFailed(f"Ray failed: {error}") from error
    finally:
        if own:
            ray.shutdown()
