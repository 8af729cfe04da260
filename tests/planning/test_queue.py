"""The queue of a server, compared with a simulation of it."""

from __future__ import annotations

import math
import random

import pytest

from shortlist.planning.queue import BUSIEST, busiest, p95


@pytest.mark.parametrize("busy", [0.3, 0.5, 0.7])
def test_the_p95_is_close_to_that_of_simulated_queries(busy):
    draw = random.Random(1)
    service, arrival, free, times = 100.0, 0.0, 0.0, []
    for _ in range(200_000):
        arrival += draw.expovariate(busy / service)
        free = max(free, arrival) + service
        times.append(free - arrival)
    simulated = sorted(times)[int(0.95 * len(times))]
    assert p95(service, service, busy) == pytest.approx(simulated, rel=0.15)


def test_a_server_that_is_hardly_busy_answers_at_once():
    assert p95(80.0, 100.0, 0.01) == 80.0


def test_a_server_with_too_much_work_never_answers():
    assert p95(80.0, 100.0, 1.0) == math.inf


def test_the_busiest_share_that_keeps_the_target():
    assert busiest(100.0, 100.0, None) == BUSIEST
    assert busiest(100.0, 100.0, 10_000.0) == BUSIEST
    assert busiest(100.0, 100.0, 99.0) is None
    share = busiest(100.0, 100.0, 250.0)
    assert 0.05 < share < BUSIEST
    assert p95(100.0, 100.0, share) == pytest.approx(250.0, rel=1e-6)
