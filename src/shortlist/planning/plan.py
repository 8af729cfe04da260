"""Memory, disk, shards, cores and time for a workload, from measured constants."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.planning.constants import ASSUMPTIONS, CONSTANTS, Constant
from shortlist.planning.queue import busiest, p95
from shortlist.planning.workload import Machines, Workload

BATCH = 8
"""Passages of a batch, which one core scores. A round of the server has eight batches."""
MOST_THREADS = 8
"""Cores that one server keeps busy: one for each batch of a round."""
MEASURED_CORES = 2
"""Cores of the machine that measured stage one."""
ROOM = 0.7
"""The share of the longest time that a query alone may take, if a smaller pool is proposed."""
FILL = 0.8
"""The share of a machine's memory that a plan fills."""
COMPACT_BYTES = 0.5
"""Bytes of memory for a number of a compact vector."""
SHORT, LONG = 65, 193
"""Words of the passages whose scoring was measured."""
EMBEDDED, QDRANT = "embedded", "qdrant"
HOURS_OF_A_MONTH = 730


@dataclass(frozen=True, slots=True)
class Plan:
    """What a workload needs. Sizes are in GB of 1e9 bytes, times in milliseconds.

    `index_memory_gb`, `index_disk_gb` and `states_gb` are those of one copy. `states_gb` is the part of the disk for
    what the reranker computes. `nodes` are machines of Qdrant, 0 for an embedded index, and `shards` the parts of the
    collection. `servers` are processes of `shortlist serve` with `threads` cores each, on `server_machines`.
    `stage_one_ms` is None if it was not measured: `alone_ms` and `p95_ms` are then without it. `busy` is the share of
    the time in which a server works. `index_core_hours` is the time to encode and write all passages. The costs are for
    a month, or None without prices.
    """

    engine: str
    index_memory_gb: float
    index_disk_gb: float
    states_gb: float
    shards: int
    nodes: int
    servers: int
    threads: int
    server_machines: int
    cores: int
    memory_gb: float
    disk_gb: float
    stage_one_ms: float | None
    stage_two_ms: float
    alone_ms: float
    p95_ms: float
    busy: float
    index_core_hours: float
    month_of_cores: float | None
    month_of_disk: float | None
    notes: tuple[str, ...]
    constants: tuple[Constant, ...]
    assumptions: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON would have it."""
        return asdict(self)


def make_plan(workload: Workload, machines: Machines) -> Plan:
    """Return what the workload needs on such machines.

    Raises:
        InvalidInput: The p95 is shorter than one query takes, or the models do not fit into a machine.
    """
    engine = EMBEDDED if workload.passages <= _value("embedded_largest") else QDRANT
    index = _index(workload, machines, engine)
    needed = _value("server_bytes") / 1e9 + (index.memory if engine == EMBEDDED else 0.0)
    if needed > machines.memory_gb * FILL:
        raise InvalidInput(
            f"a server needs {needed:.1f} GB, more than {FILL:.0%} of the {machines.memory_gb:g} GB of a machine: give "
            "larger machines",
            field="memory_gb",
        )
    serving = _serving(workload, machines, engine, needed)
    cores = serving.servers * serving.threads + index.nodes * machines.cores
    disk = index.disk * (serving.servers if engine == EMBEDDED else machines.copies)
    return Plan(
        engine=engine,
        index_memory_gb=index.memory,
        index_disk_gb=index.disk,
        states_gb=index.states,
        shards=index.shards,
        nodes=index.nodes,
        servers=serving.servers,
        threads=serving.threads,
        server_machines=serving.machines,
        cores=cores,
        memory_gb=needed * serving.servers + (index.memory * machines.copies if engine == QDRANT else 0.0),
        disk_gb=disk,
        stage_one_ms=serving.times.stage_one if engine == EMBEDDED else None,
        stage_two_ms=serving.times.stage_two,
        alone_ms=serving.times.alone,
        p95_ms=serving.p95,
        busy=serving.busy,
        index_core_hours=workload.passages * _index_core_ms(workload) / 3.6e6,
        month_of_cores=None if machines.core_price is None else cores * HOURS_OF_A_MONTH * machines.core_price,
        month_of_disk=None if machines.gb_price is None else disk * machines.gb_price,
        notes=_notes(workload, engine),
        constants=tuple(CONSTANTS[name] for name in _used(workload, engine)),
        assumptions=ASSUMPTIONS,
    )


def _value(name: str) -> float:
    return CONSTANTS[name].value


def _memory_each(workload: Workload, engine: str) -> float:
    """Bytes of memory for a passage, in one copy of the index."""
    words = _value("memory_word") * workload.words_each
    if engine == EMBEDDED and _is_compact(workload):
        return _value("compact_memory") + (workload.dimension - 384) * COMPACT_BYTES
    if engine == EMBEDDED:
        return _value("memory_passage") + _value("memory_number") * workload.dimension + words
    number = _value("qdrant_int8" if workload.quantised else "qdrant_number")
    return number * workload.dimension + words


def _disk_each(workload: Workload) -> float:
    """Bytes of disk for a passage, without states."""
    return (
        _value("disk_passage") + _value("disk_number") * workload.dimension + _value("disk_word") * workload.words_each
    )


@dataclass(frozen=True, slots=True)
class _Index:
    """One copy of an index in GB, and where it is."""

    memory: float
    disk: float
    states: float
    shards: int
    nodes: int


def _index(workload: Workload, machines: Machines, engine: str) -> _Index:
    memory = workload.passages * _memory_each(workload, engine) / 1e9
    states = workload.passages * workload.tokens_each * _value("state_bytes") / 1e9 if workload.precompute else 0.0
    disk = workload.passages * _disk_each(workload) / 1e9 + states
    if engine == EMBEDDED:
        return _Index(memory, disk, states, 1, 0)
    shards = max(1, math.ceil(memory / (machines.memory_gb * FILL)))
    return _Index(memory, disk, states, shards, shards * machines.copies)


@dataclass(frozen=True, slots=True)
class _Times:
    """Milliseconds of one query on one server that does nothing else, and for how long it keeps the server busy."""

    stage_one: float
    stage_two: float
    service: float

    @property
    def alone(self) -> float:
        return self.stage_one + self.stage_two


def _times(workload: Workload, engine: str, threads: int, pool_size: int) -> _Times:
    encoding = _value("encode_query_ms")
    retrieval = _stage_one_core_ms(workload) if engine == EMBEDDED else 0.0
    scoring = pool_size * _pair_core_ms(workload)
    at_once = max(1, min(threads, math.ceil(pool_size / BATCH)))
    first = encoding + retrieval / min(threads, MEASURED_CORES)
    return _Times(first, scoring / at_once, (encoding + retrieval + scoring) / threads)


@dataclass(frozen=True, slots=True)
class _Serving:
    times: _Times
    p95: float
    busy: float
    servers: int
    threads: int
    machines: int


def _serving(workload: Workload, machines: Machines, engine: str, gb: float) -> _Serving:
    """The servers that answer all queries in time. A server needs `gb` of memory."""
    threads = min(machines.cores, MOST_THREADS)
    times = _times(workload, engine, threads, workload.pool_size)
    busy = busiest(times.alone, times.service, workload.p95_ms)
    if busy is None:
        raise _too_slow(workload, engine, threads)
    servers = max(machines.copies, math.ceil(workload.qps * times.service / 1000 / busy))
    on_a_machine = max(1, min(machines.cores // threads, int(machines.memory_gb * FILL // gb)))
    actual = workload.qps * times.service / 1000 / servers
    return _Serving(
        times=times,
        p95=p95(times.alone, times.service, actual),
        busy=actual,
        servers=servers,
        threads=threads,
        machines=max(math.ceil(servers / on_a_machine), min(machines.copies, servers)),
    )


def _too_slow(workload: Workload, engine: str, threads: int) -> InvalidInput:
    target = workload.p95_ms or 0.0
    pools = range(workload.pool_size, 0, -1)
    fits = next((pool for pool in pools if _times(workload, engine, threads, pool).alone <= target * ROOM), 0)
    advice = f"a pool of {fits}" if fits else "fewer passages in an index, or shorter passages"
    return InvalidInput(
        f"a p95 of {target:g} ms cannot be met: one query alone takes "
        f"{_times(workload, engine, threads, workload.pool_size).alone:.0f} ms on {threads} cores. Allow more time, or "
        f"plan for {advice}",
        field="p95_ms",
    )


def _pair_core_ms(workload: Workload) -> float:
    """Core-milliseconds to score one passage: a line through the two lengths that were measured."""
    kind = "exact" if workload.precision == "exact" else "auto"
    short, long = _value(f"pair_{kind}_65"), _value(f"pair_{kind}_193")
    slope = (long - short) / (193 - 65)
    each = max(
        short * workload.words_each / 65 if workload.words_each < 65 else short + slope * (workload.words_each - 65),
        0.0,
    )
    return each * _value("states_share") if workload.precompute else each


def _is_compact(workload: Workload) -> bool:
    """Return whether an embedded index of this size searches compact vectors."""
    return workload.passages > _value("exact_largest")


def _stage_one_core_ms(workload: Workload) -> float:
    if _is_compact(workload):
        dense, words = _value("compact_dense_core_ms"), _value("compact_bm25_core_ms")
        return workload.passages / 1e6 * (dense * workload.dimension / 384 + words)
    share = workload.passages / 1e5
    return MEASURED_CORES * share * (_value("dense_ms") * workload.dimension / 384 + _value("bm25_ms"))


def _index_core_ms(workload: Workload) -> float:
    return _value("encode_core_ms") * workload.words_each / 65 + _value("write_core_ms")


def _notes(workload: Workload, engine: str) -> tuple[str, ...]:
    notes = []
    if engine == QDRANT:
        notes.append("The time and the cores of stage one in Qdrant were not measured here: the times are without it.")
    if not SHORT <= workload.words_each <= LONG:
        notes.append(f"Passages of {SHORT} and {LONG} words were measured. Other lengths follow a straight line.")
    if workload.precompute:
        notes.append("The packaged reranker stores no states: precompute needs a model with layers apart.")
    if workload.dimension != 384:
        notes.append("The time to encode is that of all-MiniLM-L6-v2. Another bi-encoder needs another time.")
    return tuple(notes)


def _used(workload: Workload, engine: str) -> list[str]:
    """The names of the constants that the plan uses."""
    kind = "exact" if workload.precision == "exact" else "auto"
    names = ["embedded_largest", "tokens_per_word", "disk_passage", "disk_number", "disk_word", "memory_word"]
    if engine == EMBEDDED:
        compact = ["exact_largest", "compact_memory", "compact_dense_core_ms", "compact_bm25_core_ms"]
        exact = ["memory_passage", "memory_number", "dense_ms", "bm25_ms"]
        names += compact if _is_compact(workload) else exact
    else:
        names.append("qdrant_int8" if workload.quantised else "qdrant_number")
    names += ["server_bytes", "encode_query_ms", "encode_core_ms", "write_core_ms"]
    if workload.pool_size:
        names += [f"pair_{kind}_65", f"pair_{kind}_193"]
    return names + (["state_bytes", "states_share"] if workload.precompute else [])
