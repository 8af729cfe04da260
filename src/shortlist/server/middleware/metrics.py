"""The server's numbers in Prometheus form, in a registry of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shortlist.server.middleware.observer import Round

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LEAST_POOL = 10
"""A smaller pool has no tenth to speak of."""
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Satisfies `Watch`; `text` is what `/metrics` answers.

    From counters a dashboard reads: batch fill = batch_pairs / batch_capacity, padding waste = 1 - batch_tokens /
    batch_padded_tokens, cache hit rate = cache_hits / (cache_hits + cache_misses), truncation = truncated_passages /
    scored_passages, pool drift = results_from_last_tenth / results.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("shortlist_requests", "Requests answered.", ["path", "code"], registry=self.registry)
        self._request_seconds = Histogram(
            "shortlist_request_seconds",
            "Wall-clock time of a request.",
            ["path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "shortlist_stage_seconds",
            "Wall-clock time of a stage: tokenise, wait (until its first pair runs), score, retrieve, rerank.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._count = {name: Counter(f"shortlist_{name}", said, registry=self.registry) for name, said in COUNTERS}

    def gauge(self, name: str, said: str, read: Callable[[], float]) -> None:
        """A number that is read when `/metrics` is asked for, such as the queue's depth."""
        Gauge(f"shortlist_{name}", said, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        """All numbers in the text format, version 0.0.4 or as the library says."""
        return generate_latest(self.registry)

    def answered(self, path: str, code: int, seconds: float) -> None:
        """A request was answered; `path` is a route's own, never what a client made up."""
        self._requests.labels(path, str(code)).inc()
        self._request_seconds.labels(path).observe(seconds)

    def ran(self, one: Round) -> None:
        """See `Watch.ran`."""
        self._add(
            rounds=1,
            round_requests=one.requests,
            batches=one.batches,
            batch_pairs=one.pairs,
            batch_capacity=one.capacity,
            batch_tokens=one.tokens,
            batch_padded_tokens=one.padded,
            model_seconds=one.seconds,
        )

    def took(self, stage: str, seconds: float) -> None:
        """See `Watch.took`."""
        self._stages.labels(stage).observe(seconds)

    def refused(self) -> None:
        """See `Watch.refused`."""
        self._add(queue_refusals=1)

    def cancelled(self) -> None:
        """See `Watch.cancelled`."""
        self._add(cancelled=1)

    def scored(self, pairs: int, truncated: int) -> None:
        """See `Watch.scored`."""
        self._add(scored_passages=pairs, truncated_passages=truncated)

    def looked_up(self, hits: int, misses: int) -> None:
        """See `Watch.looked_up`."""
        self._add(cache_hits=hits, cache_misses=misses)

    def results(self, retrieval_ranks: Sequence[int], pool: int) -> None:
        """See `Watch.results`."""
        if pool < LEAST_POOL or len(retrieval_ranks) >= pool:
            return
        first = pool - math.ceil(pool / 10)
        self._add(results=len(retrieval_ranks), results_from_last_tenth=sum(rank > first for rank in retrieval_ranks))

    def _add(self, **amounts: float) -> None:
        for name, amount in amounts.items():
            self._count[name].inc(amount)


COUNTERS = (
    ("rounds", "Calls of the model."),
    ("round_requests", "Requests that had pairs in a call, summed over calls."),
    ("batches", "Batches that the model ran."),
    ("batch_pairs", "Pairs in those batches."),
    ("batch_capacity", "Pairs that those batches could have held."),
    ("batch_tokens", "Tokens in those batches."),
    ("batch_padded_tokens", "Tokens in those batches, padding included."),
    ("model_seconds", "Time that the model ran."),
    ("queue_refusals", "Requests refused because the queue was full."),
    ("cancelled", "Requests, or parts of one under a budget, that went away before they had their scores."),
    ("scored_passages", "Passages that requests got scores for from the model."),
    ("truncated_passages", "Of those, the ones cut to fit the window."),
    ("cache_hits", "Pairs that requests got scores for from the cache."),
    ("cache_misses", "Pairs that they got scores for from the model, where there is a cache."),
    ("results", "Final results of reranked searches whose pool held at least 10 passages and more than were returned."),
    ("results_from_last_tenth", "Of those, the ones that stage one had in the last tenth of the pool."),
)
