"""`SearchConfig`: every setting of a search, checked once for every surface."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.types import PoolSize

RERANKER = "shortlist-reranker-v1"
POOL_SIZE = 50
TOP_K = 5
FUSION = 0.5
RETRIEVERS = ("hybrid", "dense", "bm25")
SIGNALS = ("dense", "bm25", "bm25_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """How to search. Python, the command line, `shortlist.toml`, HTTP and MCP use the same names and checks.

    Args:
        retriever: Stage one: "hybrid", "dense", "bm25", or "package.module:attribute".
        bi_encoder: A packaged name, a folder, a hub id, or "package.module:attribute". None: the index's own.
        reranker: As `bi_encoder`, or "vendor:model" for a hosted one. None: stage one alone.
        rerank: False keeps stage one's order.
        precision: "auto", "exact" (fp32) or "fast".
        device: "auto", "cpu", "cuda", or "openvino:GPU".
        threads: CPU cores for the models. None: all that this process may use.
        fusion: The weight of the vectors in hybrid retrieval, 0 (BM25 alone) to 1 (vectors alone).
        blend: Factor of `weights`, 0 or more. 0 ranks by the reranker's score alone.
        weights: What each stage-one signal adds to the final score. None: the weights fitted for the pair of models.
        progressive: Score at early exits, and continue with the better part of the pool.
        pool_size: Passages that the reranker scores, or "auto" for the stored stop rule. None: 50.
        top_k: Length of the answer, at most the pool size without `tail`. None: 5, or the pool size if it is smaller.
        tail: Let the answer be longer than the pool. The rest follows in stage one's order.
        min_score: Leave out hits with a lower final score. None and minus infinity leave out nothing.
        min_probability: Leave out hits that are less likely to be relevant, 0 to 1. None and 0 leave out nothing.

    Raises:
        InvalidInput: A value that cannot be used. `field` holds its name.
    """

    retriever: str = "hybrid"
    bi_encoder: str | None = None
    reranker: str | None = RERANKER
    rerank: bool = True
    precision: str = "auto"
    device: str = "auto"
    threads: int | None = None
    fusion: float = FUSION
    blend: float = 1.0
    weights: Mapping[str, float] | None = None
    progressive: bool = False
    pool_size: PoolSize | None = None
    top_k: int | None = None
    tail: bool = False
    min_score: float | None = None
    min_probability: float | None = None

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            check(name, getattr(self, name))
        if self.min_score == -math.inf:
            object.__setattr__(self, "min_score", None)
        if self.min_probability == 0:
            object.__setattr__(self, "min_probability", None)
        if self.top_k is not None and isinstance(self.pool_size, int) and self.top_k > self.pool_size and not self.tail:
            raise InvalidInput(
                f"top_k is {self.top_k} and pool_size is {self.pool_size}: the reranker scores the pool alone, so it "
                "cannot return more. Use a smaller top_k, a larger pool_size, or tail",
                field="top_k",
            )

    def override(self, given: Mapping[str, Any]) -> SearchConfig:
        """Return the configuration with the given values in place of its own.

        A size that is not given here gives way to a size that is: a `pool_size` of 3 shortens an earlier `top_k` of 5.

        Raises:
            InvalidInput: An unknown name, or a value that cannot be used.
        """
        unknown = [name for name in given if name not in NAMES]
        if unknown:
            raise InvalidInput(f"{unknown[0]!r} is unknown; the settings are {', '.join(NAMES)}", field=unknown[0])
        changes = dict(given)
        top_k, pool = changes.get("top_k", self.top_k), changes.get("pool_size", self.pool_size)
        clash = isinstance(top_k, int) and isinstance(pool, int) and top_k > pool and not changes.get("tail", self.tail)
        if clash and "top_k" not in given:
            changes["top_k"] = None
        elif clash and "pool_size" not in given:
            changes["pool_size"] = None
        return replace(self, **changes)

    @property
    def sizes(self) -> tuple[PoolSize, int]:
        """The pool size and the length of the answer. A size that is not set fits the other one."""
        if self.pool_size is None:
            return POOL_SIZE if self.top_k is None or self.tail else max(POOL_SIZE, self.top_k), self.top_k or TOP_K
        if self.top_k is not None:
            return self.pool_size, self.top_k
        return self.pool_size, TOP_K if self.pool_size == "auto" else min(TOP_K, self.pool_size)

    @property
    def reranker_name(self) -> str | None:
        """The reranker to load: None if no reranking is wanted."""
        return self.reranker if self.rerank else None


def invalid(name: str, expected: str, value: object) -> InvalidInput:
    """Return the error for a value of a setting."""
    return InvalidInput(f"{name} must be {expected}, not {value!r:.80}", field=name)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)


def _text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise invalid(name, "a name", value)


def _optional_text(name: str, value: object) -> None:
    if value is not None:
        _text(name, value)


def _retriever(name: str, value: object) -> None:
    _text(name, value)
    if value not in RETRIEVERS and ":" not in str(value):
        raise invalid(name, f"{', '.join(RETRIEVERS)}, or package.module:attribute", value)


def _flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise invalid(name, "true or false", value)


def _count(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < 1):
        raise invalid(name, "a whole number of at least 1", value)


def _pool_size(name: str, value: object) -> None:
    if value != "auto":
        try:
            _count(name, value)
        except InvalidInput as error:
            raise invalid(name, 'a whole number of at least 1, or "auto"', value) from error


def _scale(name: str, value: object) -> None:
    if not _is_number(value) or not math.isfinite(value) or value < 0:  # type: ignore[arg-type,operator]
        raise invalid(name, "a number of 0 or more", value)


def _share(name: str, value: object) -> None:
    if value is not None and (not _is_number(value) or not 0 <= value <= 1):  # type: ignore[operator]
        raise invalid(name, "a number from 0 to 1", value)


def _needed_share(name: str, value: object) -> None:
    if value is None:
        raise invalid(name, "a number from 0 to 1", value)
    _share(name, value)


def _score(name: str, value: object) -> None:
    if value is not None and (not _is_number(value) or value == math.inf):
        raise invalid(name, "a number", value)


def _weights(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise invalid(name, "a table of signals and numbers, such as dense = 8.0", value)
    for signal, weight in value.items():
        _scale(f"{name}.{signal}", weight)


CHECKS: Mapping[str, Callable[[str, object], None]] = {
    "retriever": _retriever,
    "bi_encoder": _optional_text,
    "reranker": _optional_text,
    "rerank": _flag,
    "precision": _text,
    "device": _text,
    "threads": _count,
    "fusion": _needed_share,
    "blend": _scale,
    "weights": _weights,
    "progressive": _flag,
    "pool_size": _pool_size,
    "top_k": _count,
    "tail": _flag,
    "min_score": _score,
    "min_probability": _share,
}
NAMES = tuple(field.name for field in fields(SearchConfig))
