"""`shortlist plan`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from shortlist.cli.console import output
from shortlist.cli.options import JsonOption, option


def plan(  # noqa: PLR0913 - the command line passes each option
    passages: Annotated[float, option("--passages", "N", "The number of passages, such as 1e8.")],
    qps: Annotated[float, option("--qps", "N", "Queries a second at the busiest time.")] = 1.0,
    words: Annotated[float | None, option("--words", "N", "Words of a passage. [default: 65]")] = None,
    tokens: Annotated[float | None, option("--tokens", "N", "Tokens of a passage, in place of words.")] = None,
    dimension: Annotated[int, option("--dimension", "N", "Numbers of a vector.")] = 384,
    pool_size: Annotated[
        int,
        typer.Option(
            "--pool", "--pool-size", metavar="N", help="Passages that the reranker scores. 0: stage one alone."
        ),
    ] = 50,
    precision: Annotated[str, option("--precision", "auto|exact", "The precision of the reranker.")] = "auto",
    precompute: Annotated[
        bool, typer.Option("--precompute", help="Store what the reranker computes from each passage.")
    ] = False,
    quantised: Annotated[
        bool, typer.Option("--quantised", help="Qdrant: vectors in int8 in memory, full vectors on disk.")
    ] = False,
    p95_ms: Annotated[
        float | None, option("--p95-ms", "MS", "The longest time for 95 of 100 queries. [default: none]")
    ] = None,
    cores: Annotated[int, option("--cores", "N", "CPU cores of a machine.")] = 8,
    memory_gb: Annotated[float, option("--memory-gb", "GB", "Memory of a machine.")] = 32.0,
    copies: Annotated[int, option("--copies", "N", "Copies of everything, for the loss of a machine.")] = 2,
    core_price: Annotated[
        float | None, option("--core-price", "PRICE", "The price of a core for an hour. [default: no costs]")
    ] = None,
    gb_price: Annotated[
        float | None, option("--gb-price", "PRICE", "The price of a GB of disk for a month. [default: no costs]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute memory, disk, shards and cores for a number of passages and queries.

    The numbers come from the benchmarks of the project. The answer names each number, its benchmark and the machine
    that measured it, and the assumptions. It is an estimate: measure before you buy.
    """
    from shortlist.cli.render.plan import shown
    from shortlist.planning.plan import make_plan
    from shortlist.planning.workload import Machines, Workload

    workload = Workload(passages, qps, words, tokens, dimension, pool_size, precision, precompute, quantised, p95_ms)
    machines = Machines(cores, memory_gb, copies, core_price, gb_price)
    result = make_plan(workload, machines)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), indent=2))
    else:
        shown(output(), workload, machines, result)
