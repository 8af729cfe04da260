"""`SearchConfig`: every setting of a search, checked once for every surface."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, NamedTuple

from shortlist.config.efforts import changes_of_effort, check_efforts, pool_of
from shortlist.config.limits import LARGEST_BLEND, LARGEST_WEIGHT, check_largest
from shortlist.config.unknown import did_you_mean
from shortlist.errors import InvalidInput
from shortlist.reprs import changed_repr, short_number
from shortlist.types import BM25, BM25_SHARE, DENSE, PoolSize

RERANKER = "shortlist-reranker-v1"
POOL_SIZE = 50
TOP_K = 5
FUSION = 0.5
RETRIEVERS = ("hybrid", "dense", "bm25")
SIGNALS = (DENSE, BM25, BM25_SHARE)
FIELDS = ("id", "text", "title", "vector", "document_id", "metadata")
"""The fields of a store that `SearchConfig.fields` can name."""
PER_SEARCH = (
    "top_k",
    "pool_size",
    "effort",
    "min_score",
    "min_probability",
    "rerank",
    "blend",
    "progressive",
    "tail",
    "duplicates",
    "per_document",
    "mmr",
    "expand",
    "gate",
)
"""The settings of `SearchConfig` that one request over HTTP or MCP may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """The settings of a search. Python, the command line, `shortlist.toml`, HTTP and MCP use the same names and checks.

    Args:
        retriever: Stage one: "hybrid", "dense" or "bm25" over an index, "package.module:attribute", or a store such as
            "chroma:notes@./chroma".
        fields: The names of a store's fields, for "id", "text", "title", "vector", "document_id" and "metadata". A
            field that is not named is found in the store.
        words: Keep BM25 of the passages in the state folder, for a store without words of its own.
        bi_encoder: A packaged name, a folder, a hub id, "package.module:attribute", or "openai:MODEL" and
            "openai:MODEL@URL" for an embeddings endpoint. None: the index's own, or the packaged one for a store.
        pool_encoder: The bi-encoder that encodes the pool of a foreign retriever, so that the cosine is part of the
            final score: the name of a bi-encoder, as for `bi_encoder`. None: no bi-encoder reads the pool.
        reranker: A packaged name, a folder, a hub id, "package.module:attribute", or "vendor:model" for a hosted
            reranker, "openai-list:MODEL" for a chat model, or "colbert:NAME" for a late-interaction model. None: stage
            one alone.
        rerank: False keeps stage one's order.
        precision: "auto", "exact" (fp32), "fast", "fp16" or "bf16".
        device: "auto", "cpu", "cuda", "openvino:GPU", or "torch:cuda".
        threads: CPU cores for the models. None: all that this process may use.
        fusion: The weight of the vectors in hybrid retrieval, 0 (BM25 alone) to 1 (vectors alone).
        expand: Query expansion in stage one: "rm3", or a function as "package.module:attribute". None and "none": off.
        blend: Factor of `weights`, 0 or more. 0 ranks by the reranker's score alone.
        weights: The weight of each stage-one signal in the final score. None: the weights fitted for the two models.
        progressive: Drop passages with low scores after the first layers of the model.
        pool_size: Passages that the reranker scores, or "auto" for the stored stop rule. None: 50.
        effort: "low", "mid" or "high": the pool size of this level of `efforts`, in place of `pool_size`.
        efforts: The effort levels that `tune` stored: name -> a table with `pool_size`.
        top_k: Length of the answer, at most the pool size without `tail`. None: 5, or the pool size if it is smaller.
        tail: Allow an answer that is longer than the pool. The rest follows in stage one's order.
        gate: Skip stage two if the signals of stage one reach the gate that `calibrate` stored.
        min_score: Leave out hits with a lower final score. None and minus infinity leave out nothing.
        min_probability: Leave out hits with a lower probability, 0 to 1. None and 0 leave out nothing.
        duplicates: Return passages with the same text, or almost the same, as hits of their own. False folds them into
            the best of them.
        per_document: The most hits of one document in the answer. None: no limit.
        mmr: Choose hits by maximal marginal relevance, with this weight of relevance: 1 keeps the order, 0 prefers the
            hits that differ most from the earlier ones. None: no MMR.
        index_options: The options of an index: `{"exact": True}` compares the vector of a query with that of every
            passage. An index on a server has more, such as `{"shards": 6, "replicas": 2}`.
        precompute: For `add`: whether the index stores what the reranker computes from a passage without the query.
            None: what the index did before. Searches use what is stored.
        language: The language of BM25's terms, for a new index or for `words`: a name such as "german", a code such as
            "de", or "none" for no word forms. None: found in the texts. An index has one language.

    Raises:
        InvalidInput: A value that cannot be used, such as a count above `limits.LARGEST`. `field` holds its name.
    """

    retriever: str = "hybrid"
    fields: Mapping[str, str] | None = None
    words: bool = False
    bi_encoder: str | None = None
    pool_encoder: str | None = None
    reranker: str | None = RERANKER
    rerank: bool = True
    precision: str = "auto"
    device: str = "auto"
    threads: int | None = None
    fusion: float = FUSION
    expand: str | None = None
    blend: float = 1.0
    weights: Mapping[str, float] | None = None
    progressive: bool = False
    pool_size: PoolSize | None = None
    effort: str | None = None
    efforts: Mapping[str, Any] | None = None
    top_k: int | None = None
    tail: bool = False
    gate: bool = False
    min_score: float | None = None
    min_probability: float | None = None
    duplicates: bool = False
    per_document: int | None = None
    mmr: float | None = None
    index_options: Mapping[str, Any] | None = None
    precompute: bool | None = None
    language: str | None = None

    __repr__ = changed_repr

    def __post_init__(self) -> None:
        for name, (holds, expected) in CHECKS.items():
            value = getattr(self, name)
            if not holds(value) and not (value is None and name in OPTIONAL):
                raise invalid(name, expected, value)
            check_largest(name, value)
        if self.retriever not in RETRIEVERS and ":" not in self.retriever:
            expected = f"{', '.join(RETRIEVERS)}, package.module:attribute, or a store such as chroma:notes@./chroma"
            raise invalid("retriever", expected, self.retriever)
        self._check_names()
        self._apply_effort()
        if self.expand == "none":
            object.__setattr__(self, "expand", None)
        if self.expand is not None and self.expand != "rm3" and ":" not in self.expand:
            raise invalid("expand", "rm3, none, or a function as package.module:attribute", self.expand)
        if self.min_score == -math.inf:
            object.__setattr__(self, "min_score", None)
        if self.min_probability == 0:
            object.__setattr__(self, "min_probability", None)
        if self.top_k is not None and isinstance(self.pool_size, int) and self.top_k > self.pool_size and not self.tail:
            level = self.effort is not None
            pool = f"effort {self.effort!r} has a pool of" if level else "pool_size is"
            raise InvalidInput(
                f"top_k is {self.top_k} and {pool} {self.pool_size}: the answer cannot be longer than the pool. "
                f"Use a smaller top_k, {'another effort' if level else 'a larger pool_size'}, or tail",
                field="top_k",
            )

    def _check_names(self) -> None:
        """Check the names and values in `fields`, `weights` and `efforts`."""
        check_efforts(self.efforts or {})
        for role, name in (self.fields or {}).items():
            if role not in FIELDS:
                raise InvalidInput(f"fields: {role!r} is unknown; the fields are {', '.join(FIELDS)}", field="fields")
            if not TEXT.holds(name):
                raise invalid(f"fields.{role}", TEXT.expected, name)
        for signal, weight in (self.weights or {}).items():
            if not WEIGHT.holds(weight):
                raise invalid(f"weights.{signal}", WEIGHT.expected, weight)

    def _apply_effort(self) -> None:
        """Take the pool size of the effort level."""
        if self.effort is None:
            return
        size = pool_of(self.effort, self.efforts, rerank=self.rerank)
        if self.pool_size not in (None, size):
            raise InvalidInput(
                f"effort {self.effort!r} has a pool of {size}, and pool_size is {self.pool_size}: give one of them",
                field="effort",
            )
        object.__setattr__(self, "pool_size", size)

    def override(self, given: Mapping[str, Any]) -> SearchConfig:
        """Return the configuration with the given values in place of its own.

        If only one of `top_k` and `pool_size` is given, the other one adapts: a `pool_size` of 3 shortens an earlier
        `top_k` of 5. An effort sets the pool size, and a pool size ends an earlier effort.

        Raises:
            InvalidInput: An unknown name, or a value that cannot be used.
        """
        unknown = [name for name in given if name not in NAMES]
        if unknown:
            shown = f"{unknown[0]!r} is unknown{did_you_mean(unknown[0], NAMES)}"
            raise InvalidInput(f"{shown}; the settings are {', '.join(NAMES)}", field=unknown[0])
        rerank = given.get("rerank", self.rerank)
        changes = {**given, **changes_of_effort(given, self.effort, self.efforts, rerank=rerank)}
        top_k, pool = changes.get("top_k", self.top_k), changes.get("pool_size", self.pool_size)
        clash = isinstance(top_k, int) and isinstance(pool, int) and top_k > pool and not changes.get("tail", self.tail)
        if clash and "top_k" not in given:
            changes["top_k"] = None
        elif clash and "pool_size" not in given:
            changes["pool_size"] = None
        return replace(self, **changes)

    def check_signals(self) -> None:
        """Raise an error if a weight belongs to no signal of a named retriever. Your own retriever may have any signal.

        Raises:
            InvalidInput: The retriever is one of `RETRIEVERS` or a store, and a name in `weights` is not among
                `SIGNALS`.
        """
        unknown = [name for name in self.weights or {} if name not in SIGNALS]
        if unknown and (self.retriever in RETRIEVERS or "@" in self.retriever):
            raise InvalidInput(
                f"weights: {unknown[0]!r} is not a signal of stage one; the signals are {', '.join(SIGNALS)}",
                field="weights",
            )

    @property
    def sizes(self) -> tuple[PoolSize, int]:
        """The pool size and the length of the answer. A size that is not set depends on the other size."""
        if self.pool_size is None:
            return POOL_SIZE if self.top_k is None or self.tail else max(POOL_SIZE, self.top_k), self.top_k or TOP_K
        if self.top_k is not None:
            return self.pool_size, self.top_k
        return self.pool_size, TOP_K if self.pool_size == "auto" else min(TOP_K, self.pool_size)

    @property
    def is_foreign(self) -> bool:
        """Whether the retriever is a store or an attribute, which need no index folder."""
        return self.retriever not in RETRIEVERS

    @property
    def reranker_name(self) -> str | None:
        """The reranker to load, or None if the search does not rerank."""
        return self.reranker if self.rerank else None


def invalid(name: str, expected: str, value: Any) -> InvalidInput:
    """Return the error for a value of a setting."""
    shown = short_number(value) if _is_number(value) else f"{value!r:.80}"
    return InvalidInput(f"{name} must be {expected}, not {shown}", field=name)


class Check(NamedTuple):
    """A test of the values of a setting, and the allowed values in words."""

    holds: Callable[[Any], bool]
    expected: str


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and bool(value == value)  # NaN differs from itself


TEXT = Check(_is_text, "a name")
FLAG = Check(lambda value: isinstance(value, bool), "true or false")
COUNT = Check(_is_count, "a whole number of at least 1")
SHARE = Check(lambda value: _is_number(value) and 0 <= value <= 1, "a number from 0 to 1")
BLEND = Check(lambda value: _is_number(value) and 0 <= value <= LARGEST_BLEND, f"a number from 0 to {LARGEST_BLEND:,}")
WEIGHT = Check(lambda value: _is_number(value) and 0 <= value <= LARGEST_WEIGHT, "a number from 0 to 1e12")
CHECKS: Mapping[str, Check] = {
    "retriever": TEXT,
    "fields": Check(lambda value: isinstance(value, Mapping), 'a table of fields and names, such as text = "body"'),
    "words": FLAG,
    "bi_encoder": TEXT,
    "pool_encoder": TEXT,
    "reranker": TEXT,
    "rerank": FLAG,
    "precision": TEXT,
    "device": TEXT,
    "threads": COUNT,
    "fusion": SHARE,
    "expand": TEXT,
    "blend": BLEND,
    "weights": Check(lambda value: isinstance(value, Mapping), "a table of signals and numbers, such as dense = 8.0"),
    "progressive": FLAG,
    "pool_size": Check(lambda value: value == "auto" or _is_count(value), 'a whole number of at least 1, or "auto"'),
    "effort": TEXT,
    "efforts": Check(lambda value: isinstance(value, Mapping), "a table of levels, such as low = { pool_size = 10 }"),
    "top_k": COUNT,
    "tail": FLAG,
    "gate": FLAG,
    "min_score": Check(lambda value: _is_number(value) and value != math.inf, "a number"),
    "min_probability": SHARE,
    "duplicates": FLAG,
    "per_document": COUNT,
    "mmr": SHARE,
    "index_options": Check(lambda value: isinstance(value, Mapping), "a table of options, such as shards = 6"),
    "precompute": FLAG,
    "language": TEXT,
}
OPTIONAL = tuple(field.name for field in fields(SearchConfig) if field.default is None or field.name == "reranker")
"""The settings that may be None."""
NAMES = tuple(field.name for field in fields(SearchConfig))
