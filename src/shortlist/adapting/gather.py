"""The pools of the queries to learn from, retrieved by stage one and passed through the lower layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shortlist.adapting.examples import Examples
from shortlist.adapting.last_stage import LastStage
from shortlist.adapting.layer import Inputs
from shortlist.adapting.split import FOLDS
from shortlist.adapting.states import LowerLayers
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.whole_pool import begin_whole, name_query, whole_pool_config
from shortlist.inference.batches import Tokens
from shortlist.inference.engine import usable_cores
from shortlist.inference.pair_tokenizer import PairTokenizer
from shortlist.inference.runtimes import Runtime, choose
from shortlist.models import cross_encoder_spec
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.search.pending import Pending
from shortlist.search.search import Search
from shortlist.types import BM25_SHARE, DENSE, Hit

SIGNALS = (DENSE, BM25_SHARE)
"""The signals of stage one that get a weight, in addition to those that have one."""
ENGINES = ("onnxruntime", "openvino")


@dataclass(frozen=True, slots=True)
class Pool:
    """The pool of a query. `query` is the text that the reranker reads. `factor` is that of stage one's weights."""

    query_id: str
    query: str
    hits: Sequence[Hit]
    factor: float


@dataclass(frozen=True, slots=True)
class Gathered:
    """The examples, and what they leave out.

    `signals` are the names of stage one's signals. `skipped` counts the queries that the reranker skips, and `untaught`
    those whose pool has no relevant passage or no other one.
    """

    examples: Examples
    signals: tuple[str, ...]
    skipped: int
    untaught: int


def pools_of(search: Search, judged: Judged, pool_size: int) -> tuple[list[Pool], int]:
    """Return the pool of each query that the reranker reads, and the number of the other queries."""
    config = whole_pool_config(search.config, depth=pool_size, pool_size=pool_size)
    pools, skipped = [], 0
    for query_id in judged.queries:
        with name_query(query_id):
            pending = begin_whole(search, judged.texts(query_id), config)
        if pending.status == "ok":
            pools.append(Pool(query_id, pending.scored_query, pending.pool, _factor(pending)))
        else:
            skipped += 1
    return pools, skipped


def gather(
    search: Search,
    reranker: CrossEncoder,
    stage: LastStage,
    judged: Judged,
    pool_size: int,
    progress: Callable[[int, int], None],
) -> Gathered:
    """Return the examples of the queries. `progress` receives the number of finished pairs and of all pairs.

    A query without a relevant passage in its pool, or with nothing else there, teaches no order, and is left out.

    Raises:
        InvalidInput: Fewer than three queries are left.
    """
    pools, skipped = pools_of(search, judged, pool_size)
    taught = [pool for pool in pools if any(gains := _gains(pool, judged)) and not all(gains)]
    if len(taught) < FOLDS:
        raise InvalidInput(
            f"{len(taught)} of {len(judged.queries)} queries to learn from have a relevant passage and another one in "
            "their pool, which is too few: improve stage one first, or judge more queries"
        )
    names = signals_of(taught, search.weights_at())
    hits = [(pool, hit) for pool in taught for hit in pool.hits]
    examples = Examples(
        _inputs(reranker, stage, taught, search.config.threads or usable_cores(), progress),
        np.array([[pool.factor * hit.signals.get(name, 0.0) for name in names] for pool, hit in hits]),
        np.array([gain for pool in taught for gain in _gains(pool, judged)], dtype=np.float64),
        np.array([counted for pool in taught for counted in _counted(pool, judged)], dtype=np.bool_),
        np.cumsum([0, *(len(pool.hits) for pool in taught)]),
        [judged.key(hit) for _, hit in hits],
        [judged.qrels[pool.query_id] for pool in taught],
    )
    return Gathered(examples, names, skipped, len(pools) - len(taught))


def _inputs(
    reranker: CrossEncoder,
    stage: LastStage,
    pools: Sequence[Pool],
    threads: int,
    progress: Callable[[int, int], None],
) -> Inputs:
    """What the last layer reads of each pair of query and passage."""
    spec = cross_encoder_spec(str(reranker.folder))
    tokenizer = PairTokenizer(spec.files.tokenizer, reranker.info.window or spec.max_length)
    pairs: list[Tokens] = []
    for pool in pools:
        with name_query(pool.query_id):
            pairs += tokenizer.pairs(pool.query, [hit.passage.content for hit in pool.hits])[0]
    layers = LowerLayers(spec, stage, _runtime(reranker, spec.int8), threads)
    finished = 0

    def done(count: int) -> None:
        nonlocal finished
        finished += count
        progress(finished, len(pairs))

    return layers.inputs(pairs, tokenizer.pad, done)


def signals_of(pools: Sequence[Pool], weights: Mapping[str, float]) -> tuple[str, ...]:
    """Return the signals that have a weight, and those of `SIGNALS` that the hits have."""
    known = {name for pool in pools for hit in pool.hits for name in hit.signals}
    return tuple(dict.fromkeys([*weights, *(name for name in SIGNALS if name in known)]))


def _factor(pending: Pending) -> float:
    """The factor of all weights for the query: see `config.weights.Weights`."""
    weights = pending.weights
    return next((pending.query_weights[name] / weight for name, weight in weights.items() if weight), 1.0)


def _gains(pool: Pool, judged: Judged) -> list[int]:
    grades = judged.qrels[pool.query_id]
    return [max(0, grades.get(judged.key(hit), 0)) for hit in pool.hits]


def _counted(pool: Pool, judged: Judged) -> list[bool]:
    """Whether each hit is an example. Of a relevant document, the first passage counts, and the others may be off."""
    seen: set[str] = set()
    counted = []
    for hit, gain in zip(pool.hits, _gains(pool, judged), strict=True):
        key = judged.key(hit)
        counted.append(not gain or key not in seen)
        seen.add(key)
    return counted


def _runtime(reranker: CrossEncoder, int8: Path | None) -> Runtime:
    """The reranker's runtime if it is one of the CPU's, and else the CPU's default one."""
    own = reranker.runtime
    return own if own.device == "cpu" and own.engine in ENGINES else choose("auto", int8, "cpu")
