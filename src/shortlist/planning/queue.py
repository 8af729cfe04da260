"""The time of a query that waits for others: a queue with one server and a fixed time for each query."""

from __future__ import annotations

import math

BUSIEST = 0.7
"""The largest share of the time that a server is busy. Above it, small peaks make long queues."""


def p95(latency: float, service: float, busy: float) -> float:
    """Return the time in which 95 of 100 queries are answered, in the unit of `latency` and `service`.

    `latency` is the time of a query alone, `service` the time that it keeps the server busy, and `busy` the share of
    the time in which the server works, 0 to 1. Queries arrive at random (Poisson), and wait in order (M/D/1). The mean
    wait of those that wait is exact (Pollaczek and Khinchine); the distribution of the waits is taken as exponential.
    """
    if busy >= 1:
        return math.inf
    if busy <= 0.05:
        return latency  # fewer than 5 of 100 queries wait
    mean_of_waiting = service / (2 * (1 - busy))
    return latency + mean_of_waiting * math.log(busy / 0.05)


def busiest(latency: float, service: float, target: float | None) -> float | None:
    """Return the largest share of busy time, at most BUSIEST, that keeps `p95` within the target; None if none does."""
    if target is None or p95(latency, service, BUSIEST) <= target:
        return BUSIEST
    if latency > target:
        return None
    low, high = 0.0, BUSIEST
    for _ in range(60):
        middle = (low + high) / 2
        if p95(latency, service, middle) <= target:
            low = middle
        else:
            high = middle
    return low
