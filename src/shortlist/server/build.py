"""From options to a server's parts: an index or none, the models, and the scorers around each other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets import files as datasets
from shortlist.evaluation.query_sets.query_set import resolve
from shortlist.models.packaged import BI_ENCODER
from shortlist.protocols import Encoder, Reranker
from shortlist.redaction import Names
from shortlist.registry import OpenIndex, Settings, load_encoder, load_reranker, open_index
from shortlist.server.batching.batcher import QUEUE_PAIRS, Batcher
from shortlist.server.batching.cache import CACHE_BYTES, CachedScorer, ScoreCache
from shortlist.server.batching.embedder import Embedder
from shortlist.server.batching.scheduler import Rounds
from shortlist.server.batching.scorer import Scorer
from shortlist.server.components import Parts
from shortlist.server.middleware.logs import LoggedTexts
from shortlist.server.middleware.metrics import Metrics
from shortlist.server.middleware.observer import RefusalsAlone
from shortlist.server.middleware.tracing import RerankSpans
from shortlist.server.settings import ServerSettings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to serve. `index` None serves reranking and embeddings alone. `cache_bytes` 0 keeps no scores.

    `tracer` None makes no spans; `texts_in_spans` and `texts_in_log` let queries and passages into them.
    """

    index: Path | None = None
    queries: Path | None = None
    models: Settings = field(default_factory=Settings)
    limits: ServerSettings = field(default_factory=ServerSettings)
    queue_pairs: int = QUEUE_PAIRS
    cache_bytes: int = CACHE_BYTES
    tracer: Tracer | None = None
    texts_in_spans: bool = False
    texts_in_log: logging.Logger | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """`parts` to make an application of, `well` whether the models' threads live, and `close` to let all go."""

    parts: Parts
    well: Callable[[], bool]
    close: Callable[[], None]


def build(wanted: Wanted, metrics: Metrics) -> Built:
    """Opens the index and loads the models.

    Raises:
        InvalidInput: The queue is shorter than the longest request, judged queries without an index, or a bad value.
        FolderError: The index can't be opened.
        ModelError: A model can't be loaded.
    """
    if wanted.queue_pairs < wanted.limits.max_documents:
        raise InvalidInput(
            f"a queue of {wanted.queue_pairs} passages can't take a request of {wanted.limits.max_documents}: "
            "make the queue longer or a request's limit smaller"
        )
    if wanted.queries is not None and wanted.index is None:
        raise InvalidInput("judged queries need the index that they were judged on: give --index as well")
    if wanted.index is None:
        return _without_index(wanted, metrics)
    opened = open_index(wanted.index, wanted.models)
    try:
        return _with_index(wanted, metrics, opened)
    except BaseException:
        opened.close()
        raise


def _without_index(wanted: Wanted, metrics: Metrics) -> Built:
    models = wanted.models
    encoder = load_encoder(models.bi_encoder or BI_ENCODER, precision=models.precision, threads=models.threads)
    reranker = None
    if models.cross_encoder is not None:
        reranker = load_reranker(models.cross_encoder, precision=models.precision, threads=models.threads)
    scorer, batcher = _scorer(wanted, metrics, reranker)
    embedder = _embedder(wanted, metrics, encoder)
    spans = RerankSpans(wanted.tracer, texts=wanted.texts_in_spans)
    parts = Parts(scorer, encoder=encoder, settings=wanted.limits, embedder=embedder, spans=spans)
    return Built(parts, _well(batcher, embedder), lambda: _close(None, batcher, embedder))


def _with_index(wanted: Wanted, metrics: Metrics, opened: OpenIndex) -> Built:
    labels = _labels(wanted.queries, opened) if wanted.queries is not None else {}
    scorer, batcher = _scorer(wanted, metrics, opened.shortlist.reranker)
    embedder = _embedder(wanted, metrics, opened.encoder)
    parts = Parts(
        scorer,
        shortlist=opened.shortlist,
        encoder=opened.encoder,
        settings=wanted.limits,
        labels=labels,
        names=Names.of(opened.index.ledger.known_sources()),
        watch=metrics,
        index=opened.index,
        embedder=embedder,
        spans=RerankSpans(wanted.tracer, texts=wanted.texts_in_spans),
    )
    return Built(parts, _well(batcher, embedder), lambda: _close(opened, batcher, embedder))


def _scorer(wanted: Wanted, metrics: Metrics, reranker: Reranker | None) -> tuple[Scorer | None, Batcher | None]:
    """The reranker behind a batcher, that behind a cache where scores may be kept, and the tellers outside."""
    if reranker is None:
        return None, None
    batcher = Batcher(reranker, queue_pairs=wanted.queue_pairs, watch=metrics)
    metrics.gauge("queue_depth", "Passages accepted and not yet scored.", lambda: batcher.depth)
    metrics.gauge("queue_limit", "Passages that may wait.", lambda: wanted.queue_pairs)
    scorer: Scorer = batcher
    if wanted.cache_bytes and reranker.pointwise:
        cache = ScoreCache(wanted.cache_bytes)
        metrics.gauge("cache_bytes", "Memory that kept scores take.", lambda: cache.used_bytes)
        scorer = CachedScorer(scorer, cache, getattr(reranker, "fingerprint", reranker.name), metrics)
    if wanted.texts_in_log is not None:
        scorer = LoggedTexts(scorer, wanted.texts_in_log)
    return scorer, batcher


def _embedder(wanted: Wanted, metrics: Metrics, encoder: Encoder | None) -> Embedder | None:
    """The bi-encoder behind a queue that takes at least one request of the most texts allowed."""
    if encoder is None:
        return None
    most = max(wanted.queue_pairs, wanted.limits.max_inputs)
    embedder = Embedder(encoder, queue_texts=most, watch=RefusalsAlone(metrics))
    metrics.gauge("embed_queue_depth", "Texts accepted and not yet embedded.", lambda: embedder.depth)
    metrics.gauge("embed_queue_limit", "Texts that may wait to be embedded.", lambda: most)
    return embedder


def _labels(queries: Path, opened: OpenIndex) -> Mapping[str, Mapping[str, int]]:
    """Query text -> passage id -> grade; a judged document stands for each of its passages."""
    judged = resolve(datasets.read(queries), opened.index.passages(), allow_unknown=True)
    passages: dict[str, list[str]] = {}
    for one in opened.index.passages():
        key = one.id if judged.level == "passage" else one.document_id or one.id
        passages.setdefault(key, []).append(one.id)
    return {
        judged.queries[query].strip(): {
            passage: grade for key, grade in grades.items() for passage in passages.get(key, [key])
        }
        for query, grades in judged.qrels.items()
    }


def _well(*queues: Rounds | None) -> Callable[[], bool]:
    return lambda: all(one is None or one.alive for one in queues)


def _close(opened: OpenIndex | None, *queues: Rounds | None) -> None:
    for one in queues:
        if one is not None:
            one.close()
    if opened is not None:
        opened.close()
