"""Capacity plans: what grows with what, and what cannot be planned."""

from __future__ import annotations

import math

import pytest

from shortlist.errors import InvalidInput
from shortlist.planning.constants import CONSTANTS
from shortlist.planning.plan import EMBEDDED, FILL, QDRANT, make_plan
from shortlist.planning.queue import BUSIEST
from shortlist.planning.workload import Machines, Workload


def plan(passages=50_000, machines=None, **values):
    return make_plan(Workload(passages, **values), machines or Machines())


def test_a_small_index_is_a_folder_for_each_server():
    made = plan()
    assert (made.engine, made.shards, made.nodes, made.servers) == (EMBEDDED, 1, 0, 2)
    assert made.disk_gb == pytest.approx(2 * made.index_disk_gb)
    assert made.memory_gb == pytest.approx(2 * (CONSTANTS["server_bytes"].value / 1e9 + made.index_memory_gb))
    assert made.stage_one_ms is not None
    assert made.alone_ms == pytest.approx(made.stage_one_ms + made.stage_two_ms)


def test_a_folder_with_compact_vectors_needs_less_memory_and_less_time():
    exact, compact = plan(100_000, qps=0.1), plan(200_000, qps=0.1)
    assert (exact.engine, compact.engine) == (EMBEDDED, EMBEDDED)
    assert compact.index_memory_gb < 2 * exact.index_memory_gb
    assert compact.stage_one_ms < 2 * exact.stage_one_ms
    assert any("compact" in constant.meaning for constant in compact.constants)
    assert not any("compact" in constant.meaning for constant in exact.constants)
    wide = plan(200_000, qps=0.1, dimension=768)
    assert wide.index_memory_gb - compact.index_memory_gb == pytest.approx(200_000 * 384 / 2 / 1e9)


def test_a_large_one_is_a_collection_in_shards():
    made = plan(1e8, qps=50)
    assert made.engine == QDRANT
    assert made.shards == math.ceil(made.index_memory_gb / (32 * FILL))
    assert made.nodes == 2 * made.shards
    assert made.stage_one_ms is None
    assert any("not measured here" in note for note in made.notes)
    assert any(not constant.measured for constant in made.constants)
    assert made.cores == made.servers * made.threads + made.nodes * 8


def test_the_bytes_of_vectors_are_those_of_the_numbers():
    small, large = plan(1000, dimension=64), plan(1000, dimension=1064)
    assert (large.index_disk_gb - small.index_disk_gb) * 1e9 / 1e6 == pytest.approx(
        CONSTANTS["disk_number"].value, rel=1e-6
    )
    assert 4 <= CONSTANTS["disk_number"].value < 4.1  # fp32


def test_int8_needs_a_quarter_of_the_memory_for_vectors():
    words = CONSTANTS["memory_word"].value * 65 * 1e8 / 1e9
    whole, int8 = plan(1e8).index_memory_gb - words, plan(1e8, quantised=True).index_memory_gb - words
    assert int8 == pytest.approx(whole / 4)
    assert plan(1e8, quantised=True).shards < plan(1e8).shards


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"passages": 100_000}, "index_memory_gb"),
        ({"passages": 100_000}, "index_core_hours"),
        ({"words": 130}, "index_disk_gb"),
        ({"words": 130}, "stage_two_ms"),
        ({"tokens": 400}, "stage_two_ms"),
        ({"qps": 500}, "servers"),
        ({"pool_size": 100}, "stage_two_ms"),
        ({"precision": "exact"}, "stage_two_ms"),
        ({"precompute": True}, "index_disk_gb"),
    ],
)
def test_what_grows(more, field):
    assert getattr(plan(**more), field) > getattr(plan(), field)


def test_precomputed_passages_are_faster_and_larger():
    text, states = plan(), plan(precompute=True)
    assert states.stage_two_ms == pytest.approx(text.stage_two_ms * CONSTANTS["states_share"].value)
    tokens = 65 * CONSTANTS["tokens_per_word"].value
    assert states.states_gb == pytest.approx(50_000 * tokens * CONSTANTS["state_bytes"].value / 1e9)


def test_words_and_tokens_are_two_names_for_one_length():
    each = CONSTANTS["tokens_per_word"].value
    assert plan(words=100).index_disk_gb == pytest.approx(plan(tokens=100 * each).index_disk_gb)


def test_stage_one_alone():
    made = plan(pool_size=0)
    assert made.stage_two_ms == 0
    assert made.alone_ms == made.stage_one_ms
    assert not any("score a passage" in constant.meaning for constant in made.constants)


def test_the_measured_times_of_two_cores_come_back():
    made = make_plan(Workload(100_000, pool_size=100), Machines(cores=2, copies=1))
    assert made.stage_two_ms == pytest.approx(455, abs=1)
    assert made.stage_one_ms == pytest.approx(19.1, abs=0.1)
    long = make_plan(Workload(100_000, words=193, pool_size=100), Machines(cores=2, copies=1))
    assert long.stage_two_ms == pytest.approx(1400, abs=1)


@pytest.mark.parametrize("qps", [0.1, 5, 80, 1000])
def test_the_servers_carry_the_load(qps):
    made = plan(qps=qps)
    each = CONSTANTS["pair_auto_65"].value
    assert made.busy <= BUSIEST
    work = qps * (50 * each + 8 * CONSTANTS["encode_query_ms"].value / 8) / 1000
    assert made.servers * made.threads * made.busy >= work * 0.99


def test_a_shorter_p95_needs_more_servers():
    loose, tight = plan(qps=100), plan(qps=100, p95_ms=130)
    assert tight.servers > loose.servers
    assert tight.p95_ms <= 130 < loose.p95_ms


def test_a_p95_that_one_query_exceeds_is_an_error_with_a_pool_that_fits():
    with pytest.raises(InvalidInput, match=r"p95 of 50 ms cannot be met: one query alone takes \d+ ms on 8 cores.*"
                                           r"plan for a pool of (\d+)") as caught:  # fmt: skip
        plan(p95_ms=50)
    assert caught.value.field == "p95_ms"
    fits = int(str(caught.value).rsplit(" ", 1)[1])
    assert plan(pool_size=fits, p95_ms=50).p95_ms <= 50
    with pytest.raises(InvalidInput, match="fewer passages in an index, or shorter passages"):
        plan(p95_ms=0.5)


def test_costs_of_a_month():
    made = plan(machines=Machines(core_price=0.05, gb_price=0.1))
    assert made.month_of_cores == pytest.approx(made.cores * 730 * 0.05)
    assert made.month_of_disk == pytest.approx(made.disk_gb * 0.1)
    assert (plan().month_of_cores, plan().month_of_disk) == (None, None)


def test_a_machine_that_is_too_small_for_the_models_is_an_error():
    with pytest.raises(
        InvalidInput, match=r"a server needs \d\.\d GB, more than 80% of the 1 GB of a machine"
    ) as caught:
        plan(100_000, dimension=4096, machines=Machines(memory_gb=1))
    assert caught.value.field == "memory_gb"


def test_several_servers_share_a_large_machine():
    made = plan(qps=1000, machines=Machines(cores=32, memory_gb=64))
    assert made.threads == 8
    assert made.server_machines == math.ceil(made.servers / 4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"passages": 0}, "passages must be at least 1 and at most 1e\\+12, not 0"),
        ({"passages": math.nan}, "passages must be at least 1"),
        ({"passages": math.inf}, "passages must be at least 1"),
        ({"qps": 0}, "qps must be above 0"),
        ({"qps": -1}, "qps must be above 0"),
        ({"words": 0}, "words must be at least 1"),
        ({"tokens": 0.5}, "tokens must be at least 1"),
        ({"words": 10, "tokens": 10}, "give words or tokens, not both"),
        ({"dimension": 0}, "dimension must be at least 1"),
        ({"pool_size": -1}, "pool_size must be at least 0"),
        ({"p95_ms": 0}, "p95_ms must be above 0"),
        ({"precision": "half"}, "precision must be auto or exact, not 'half'"),
        ({"precompute": True, "pool_size": 0}, "precompute needs a reranker"),
    ],
)
def test_bad_workloads(values, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        Workload(**{"passages": 10, **values})
    assert caught.value.field in values


@pytest.mark.parametrize(
    "values", [{"cores": 0}, {"memory_gb": 0}, {"copies": 0}, {"core_price": -1}, {"gb_price": math.nan}]
)
def test_bad_machines(values):
    with pytest.raises(InvalidInput) as caught:
        Machines(**values)
    assert caught.value.field in values
