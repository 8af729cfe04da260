"""What a plan is made for: passages, queries, and the machines that run them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shortlist.errors import InvalidInput
from shortlist.planning.constants import CONSTANTS

MOST = 1e12
"""More passages than any plan is made for. A larger number is a slip of the keyboard."""
WORDS = 65.0
"""The words of a passage if nothing is given: those of the texts that were measured."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Passages and queries.

    Args:
        passages: The number of passages.
        qps: Queries a second at the busiest time.
        words: Words of a passage. None: as many as `tokens` have, or 65.
        tokens: Tokens of a passage, in place of words.
        dimension: Numbers of a vector.
        pool_size: Passages that the reranker scores for each query. 0: stage one alone.
        precision: "auto", or "exact" for fp32.
        precompute: Whether the index stores what the reranker computes from each passage.
        quantised: Whether Qdrant keeps vectors in int8 in memory, and the full ones on disk.
        p95_ms: The longest time for 95 of 100 queries, in milliseconds. None: no such limit.

    Raises:
        InvalidInput: A value is out of its range, or two of them exclude each other.
    """

    passages: float
    qps: float = 1.0
    words: float | None = None
    tokens: float | None = None
    dimension: int = 384
    pool_size: int = 50
    precision: str = "auto"
    precompute: bool = False
    quantised: bool = False
    p95_ms: float | None = None

    def __post_init__(self) -> None:
        _check("passages", self.passages, 1, MOST)
        _check("qps", self.qps, 0, 1e9, above=True)
        _check("dimension", self.dimension, 1, 65536)
        _check("pool_size", self.pool_size, 0, 100_000)
        if self.words is not None and self.tokens is not None:
            raise InvalidInput("give words or tokens, not both", field="tokens")
        for name, value in (("words", self.words), ("tokens", self.tokens)):
            if value is not None:
                _check(name, value, 1, 1e6)
        if self.p95_ms is not None:
            _check("p95_ms", self.p95_ms, 0, 3.6e6, above=True)
        if self.precision not in ("auto", "exact"):
            raise InvalidInput(f"precision must be auto or exact, not {self.precision!r:.40}", field="precision")
        if self.precompute and not self.pool_size:
            raise InvalidInput("precompute needs a reranker, and pool_size is 0", field="precompute")

    @property
    def words_each(self) -> float:
        """Words of a passage."""
        if self.tokens is not None:
            return self.tokens / CONSTANTS["tokens_per_word"].value
        return WORDS if self.words is None else self.words

    @property
    def tokens_each(self) -> float:
        """Tokens of a passage."""
        return self.words_each * CONSTANTS["tokens_per_word"].value


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines. All have the same size.

    Args:
        cores: CPU cores of a machine.
        memory_gb: Memory of a machine in GB (1e9 bytes).
        copies: Copies of everything, so that the loss of a machine stops no search.
        core_price: The price of a core for an hour, in any currency. None: no costs are computed.
        gb_price: The price of a GB of disk for a month. None: no costs are computed.

    Raises:
        InvalidInput: A value is out of its range.
    """

    cores: int = 8
    memory_gb: float = 32.0
    copies: int = 2
    core_price: float | None = None
    gb_price: float | None = None

    def __post_init__(self) -> None:
        _check("cores", self.cores, 1, 1024)
        _check("memory_gb", self.memory_gb, 1, 100_000)
        _check("copies", self.copies, 1, 100)
        for name, value in (("core_price", self.core_price), ("gb_price", self.gb_price)):
            if value is not None:
                _check(name, value, 0, 1e6)


def _check(name: str, value: float, least: float, most: float, *, above: bool = False) -> None:
    """Raise InvalidInput if the value is not between the bounds. `above`: the lower bound itself is too small."""
    fits = math.isfinite(value) and (value > least if above else value >= least) and value <= most
    if not fits:
        bounds = f"above {least:g}" if above else f"at least {least:g}"
        raise InvalidInput(f"{name} must be {bounds} and at most {most:g}, not {value:g}", field=name)
