"""A capacity plan as text: what is needed, the numbers behind it, and the assumptions."""

from __future__ import annotations

from rich.console import Console

from shortlist.cli.console import say
from shortlist.planning.constants import Constant
from shortlist.planning.plan import EMBEDDED, Plan
from shortlist.planning.workload import Machines, Workload
from shortlist.wording.counting import counted


def shown(out: Console, workload: Workload, machines: Machines, plan: Plan) -> None:
    """Print the plan."""
    say(
        out,
        f"{workload.passages:,.0f} passages of {workload.words_each:.0f} words ({workload.tokens_each:.0f} tokens), "
        f"vectors of {workload.dimension} numbers, {workload.qps:g} queries a second, a pool of {workload.pool_size}",
        "bold",
    )
    for name, text in _rows(workload, machines, plan):
        say(out, f"  {name:<14} {text}")
    for note in plan.notes:
        say(out, f"  {note}", "yellow")
    say(out, "\nAssumptions", "bold")
    for assumption in plan.assumptions:
        say(out, f"  - {assumption}")
    say(out, "\nNumbers", "bold")
    for constant in plan.constants:
        say(out, f"  {number(constant.value):>9} {_words(constant)}")


def number(value: float) -> str:
    """Return the number with four digits, and commas if it is large."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _words(constant: Constant) -> str:
    unit = f"{constant.unit} " if constant.unit else ""
    return f"{unit}{constant.meaning}: {constant.source}; {constant.machine}"


def _size(gb: float) -> str:
    if gb >= 1000:
        return f"{gb / 1000:,.1f} TB"
    return f"{gb:,.1f} GB" if gb >= 1 else f"{gb * 1000:,.0f} MB"


def _rows(workload: Workload, machines: Machines, plan: Plan) -> list[tuple[str, str]]:
    states = f", {_size(plan.states_gb)} of it for stored states" if plan.states_gb else ""
    rows = [
        (
            "index",
            f"{_size(plan.index_memory_gb)} of memory and {_size(plan.index_disk_gb)} of disk{states}, for one copy",
        ),
        ("stage one", _stage_one(machines, plan)),
        (
            "servers",
            f"{counted(plan.servers, 'process')} of shortlist serve with "
            f"{counted(plan.threads, 'core')} each, on {counted(plan.server_machines, 'machine')}; "
            f"busy {plan.busy:.0%} of the time",
        ),
        ("one query", _times(workload, plan)),
        ("in all", f"{counted(plan.cores, 'core')}, {_size(plan.memory_gb)} of memory, {_size(plan.disk_gb)} of disk"),
        ("to index", f"{plan.index_core_hours:,.1f} core-hours to encode and write all passages"),
    ]
    if plan.month_of_cores is not None or plan.month_of_disk is not None:
        parts = [("cores", plan.month_of_cores), ("disk", plan.month_of_disk)]
        rows.append(("a month", ", ".join(f"{cost:,.0f} for {name}" for name, cost in parts if cost is not None)))
    return rows


def _stage_one(machines: Machines, plan: Plan) -> str:
    if plan.engine == EMBEDDED:
        return "an index folder, with one copy for each server"
    return (
        f"Qdrant with {counted(plan.shards, 'shard')}, {machines.copies} copies of each, on "
        f"{counted(plan.nodes, 'machine')} of {machines.memory_gb:g} GB"
    )


def _times(workload: Workload, plan: Plan) -> str:
    first = "" if plan.stage_one_ms is None else f"{plan.stage_one_ms:.0f} ms for stage one, "
    without = " (without stage one)" if plan.stage_one_ms is None else ""
    limit = "" if workload.p95_ms is None else f", of {workload.p95_ms:g} ms allowed"
    return f"{first}{plan.stage_two_ms:.0f} ms for the reranker alone; p95 {plan.p95_ms:.0f} ms{without}{limit}"
