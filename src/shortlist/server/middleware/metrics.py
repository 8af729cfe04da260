"""The server's numbers in the Prometheus format, in a registry of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shortlist.server.middleware.observer import Observer, Round

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MIN_POOL = 10
"""A smaller pool has no tenth."""
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics(Observer):
    """An `Observer` that counts events. `text` is the answer of `/metrics`.

    A dashboard computes: batch fill = batch_pairs / batch_capacity, padding waste = 1 - batch_tokens /
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
        self._counters = {name: Counter(f"shortlist_{name}", text, registry=self.registry) for name, text in COUNTERS}

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Add a number that each request to `/metrics` reads, such as the depth of the queue."""
        Gauge(f"shortlist_{name}", description, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        """Return all numbers in the text format that the library supports."""
        return generate_latest(self.registry)

    def answered(self, path: str, code: int, seconds: float) -> None:
        """Count an answered request. `path` is the path of a route, not the path that the client sent."""
        self._requests.labels(path, str(code)).inc()
        self._request_seconds.labels(path).observe(seconds)

    def ran(self, round: Round) -> None:
        """See `Observer.ran`."""
        self._add(
            rounds=1,
            round_requests=round.requests,
            batches=round.batches,
            batch_pairs=round.pairs,
            batch_capacity=round.capacity,
            batch_tokens=round.tokens,
            batch_padded_tokens=round.padded,
            model_seconds=round.seconds,
        )

    def took(self, stage: str, seconds: float) -> None:
        """See `Observer.took`."""
        self._stages.labels(stage).observe(seconds)

    def refused(self) -> None:
        """See `Observer.refused`."""
        self._add(queue_refusals=1)

    def cancelled(self) -> None:
        """See `Observer.cancelled`."""
        self._add(cancelled=1)

    def scored(self, pairs: int, truncated: int) -> None:
        """See `Observer.scored`."""
        self._add(scored_passages=pairs, truncated_passages=truncated)

    def looked_up(self, hits: int, misses: int) -> None:
        """See `Observer.looked_up`."""
        self._add(cache_hits=hits, cache_misses=misses)

    def results(self, retrieval_ranks: Sequence[int], pool: int) -> None:
        """See `Observer.results`."""
        if pool < MIN_POOL or len(retrieval_ranks) >= pool:
            return
        first = pool - math.ceil(pool / 10)
        self._add(results=len(retrieval_ranks), results_from_last_tenth=sum(rank > first for rank in retrieval_ranks))

    def _add(self, **amounts: float) -> None:
        for name, amount in amounts.items():
            self._counters[name].inc(amount)


COUNTERS = (
    ("rounds", "Calls of the model."),
    ("round_requests", "Requests that had pairs in a call, summed over calls."),
    ("batches", "Batches that the model ran."),
    ("batch_pairs", "Pairs in those batches."),
    ("batch_capacity", "Pairs that those batches could have held."),
    ("batch_tokens", "Tokens in those batches."),
    ("batch_padded_tokens", "Tokens in those batches, padding included."),
    ("model_seconds", "Seconds that the model ran."),
    ("queue_refusals", "Requests refused because the queue was full."),
    ("cancelled", "Requests, or parts of a request with a budget, that were cancelled before they had scores."),
    ("scored_passages", "Passages that the model scored for requests."),
    ("truncated_passages", "Scored passages that were cut to fit the window."),
    ("cache_hits", "Pairs whose score came from the cache."),
    ("cache_misses", "Pairs whose score came from the model, if there is a cache."),
    ("results", "Hits of reranked searches with a pool of at least 10 passages that is larger than the answer."),
    ("results_from_last_tenth", "Hits in results that stage one ranked in the last tenth of the pool."),
)
