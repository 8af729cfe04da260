"""The components of a server, made from its options: the models, their queues, and an optional index."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from shortlist.config.efforts import pool_of
from shortlist.errors import InvalidInput
from shortlist.foreign import corpus_of
from shortlist.index import OpenIndex
from shortlist.models.packaged import BI_ENCODER
from shortlist.opening import open_search
from shortlist.protocols import Encoder, HasWeights, Reranker
from shortlist.redaction import public_name
from shortlist.registry import configured_encoder, configured_reranker
from shortlist.search.opened import Opened
from shortlist.search.scores import checked_reranker, info_of
from shortlist.search.search import Search
from shortlist.server.access import CollectionFacts, Collections
from shortlist.server.batching.batcher import Batcher
from shortlist.server.batching.cache import CachedScorer, ScoreCache
from shortlist.server.batching.embedder import Embedder
from shortlist.server.batching.progressive import ProgressiveQueue
from shortlist.server.batching.scorer import Scorer
from shortlist.server.components import Components
from shortlist.server.middleware.logs import LoggedTexts
from shortlist.server.middleware.metrics import Metrics
from shortlist.server.middleware.observer import RefusalsOnly
from shortlist.server.middleware.tracing import RerankSpans
from shortlist.server.operations import Operations
from shortlist.server.options import ServeOptions
from shortlist.several import OpenCollections, collection_name

LOG = logging.getLogger(__name__)
RETRIEVE_SECONDS = 60.0
"""The server waits this long for a retriever that may be on another machine."""


def build(options: ServeOptions, operations: Operations) -> Components:
    """Open the index or the retriever, load the models, and return the components. `Components.close` closes it, too.

    Raises:
        InvalidInput: No level of `effort_under_load` is stored, the queue is shorter than the longest request, there
        are judged queries and nothing to search, or
            a value is bad.
        FolderError: The index cannot be opened.
        StoreError: The store cannot be opened.
        ModelError: A model cannot be loaded.
    """
    if options.queue_pairs < options.limits.max_documents:
        raise InvalidInput(
            f"a queue of {options.queue_pairs} passages is shorter than the longest request of "
            f"{options.limits.max_documents}: use a larger queue_pairs or a smaller max_documents"
        )
    if options.index is None and not options.config.is_foreign:
        if options.boosts:
            raise InvalidInput("boosts compare collections: name several indexes", field="boosts")
        if options.queries is not None:
            raise InvalidInput("judged queries need the index that they were judged on: also set index (--index)")
        if options.config.pool_encoder is not None:
            raise InvalidInput(
                "rerank requests have the reranker's own score: a pool_encoder is for searches over a store or a "
                "retriever of your own",
                field="pool_encoder",
            )
        config, name = options.config, options.config.reranker_name
        encoder = configured_encoder(config, config.bi_encoder or BI_ENCODER)
        reranker = None if name is None else configured_reranker(config, name)
        return _parts(options, operations, None, encoder, reranker)
    opened = open_search(options.config, options.index, options.state, boosts=options.boosts)
    try:
        components = assemble(opened, options, operations)
        if options.queries is not None:
            components = replace(components, labels=_labels(options.queries, opened))
    except BaseException:
        opened.close()
        raise
    return replace(components, close=lambda: _close([components, opened]))


def assemble(
    searched: Search | Opened, options: ServeOptions | None = None, operations: Operations | None = None
) -> Components:
    """Return the components over a search, an open index or an open retriever. `Components.close` ends their threads.

    Raises:
        InvalidInput: `searched` is none of these.
    """
    options, operations = options or ServeOptions(), operations or Operations()
    if isinstance(searched, OpenCollections):
        return _over_several(searched, _parts(options, operations, searched.searcher, searched.encoder))
    if isinstance(searched, OpenIndex):
        parts = _parts(options, operations, searched.searcher, searched.encoder)
        names = searched.shown_names()
        context_parts = replace(searched.context_parts, shown=names.passage)
        parts = replace(
            parts,
            index=searched.collection.index,
            names=names,
            context_parts=context_parts,
            collections=_alone(searched, options.index),
            sources=searched.sources,
        )
        return replace(parts, retrieve_seconds=RETRIEVE_SECONDS) if searched.on_server else parts
    if isinstance(searched, Opened):
        parts = _parts(options, operations, searched.searcher, searched.encoder)
        names, retriever = searched.shown_names(), searched.name.partition("@")[0]
        return replace(
            parts,
            names=names,
            context_parts=replace(searched.context_parts, name=retriever, shown=names.passage),
            retriever=retriever,
            passages=searched.count(),
            retrieve_seconds=RETRIEVE_SECONDS,
            collections=_alone(searched, searched.name),
        )
    if not isinstance(searched, Search):
        raise InvalidInput(f"{searched!r:.80} is neither a Search nor an open index or retriever: give one of these")
    return replace(_parts(options, operations, searched, searched.encoder), retrieve_seconds=RETRIEVE_SECONDS)


def _over_several(searched: OpenCollections, parts: Components) -> Components:
    """Return the parts of a server with those of several collections."""
    names, only_indexes = searched.shown_names(), searched.context_parts.get is not None
    return replace(
        parts,
        index=searched if only_indexes else None,
        names=names,
        context_parts=replace(searched.context_parts, shown=names.passage),
        sources=searched.sources if only_indexes else None,
        retriever=None if only_indexes else "several collections",
        passages=searched.count(),
        retrieve_seconds=RETRIEVE_SECONDS if searched.on_server else None,
        collections=Collections(searched.within, tuple(map(_facts, searched.names, searched.parts.values())), True),
    )


def _alone(searched: Opened, place: object) -> Collections:
    """Return the only collection, with the name that `NAME=INDEX` would replace."""
    name = collection_name(place if isinstance(place, str | Path) else searched.name)
    return Collections(lambda names: searched.searcher, (_facts(name, searched),))


def _facts(name: str, searched: Opened) -> CollectionFacts:
    return CollectionFacts(name, searched.count, public_name(searched.bi_encoder))


def _parts(
    options: ServeOptions,
    operations: Operations,
    search: Search | None,
    encoder: Encoder | None,
    reranker: Reranker | None = None,
) -> Components:
    if search is not None:
        reranker = search.reranker
    scorer, batcher = _scorer(options, operations, reranker)
    if options.effort_under_load is not None:
        pool_of(options.effort_under_load, None if search is None else search.config.efforts)
    embedder = _embedder(options, operations.metrics, encoder)
    progressive = _progressive(options, operations.metrics) if search is not None and reranker is not None else None
    queues = [queue for queue in (batcher, embedder, progressive) if queue is not None]
    return Components(
        scorer=scorer,
        search=search,
        encoder=encoder,
        embedder=embedder,
        progressive=progressive,
        effort_under_load=options.effort_under_load,
        load=None if batcher is None else lambda: (batcher.depth, batcher.pace),
        limits=options.limits,
        observer=operations.metrics,
        spans=RerankSpans(operations.tracer, texts=options.trace_texts),
        alive=lambda: all(queue.alive for queue in queues),
        close=lambda: _close(queues),
    )


class _Closes(Protocol):
    def close(self) -> None: ...


def _close(parts: Sequence[_Closes]) -> None:
    for part in parts:
        part.close()


def _scorer(
    options: ServeOptions, operations: Operations, reranker: Reranker | None
) -> tuple[Scorer | None, Batcher | None]:
    """Return the scorer (the reranker with its queue, its cache and the log of texts), and the queue."""
    if reranker is None:
        return None, None
    metrics, info = operations.metrics, info_of(checked_reranker(reranker))
    batcher = Batcher(reranker, queue_pairs=options.queue_pairs, observer=metrics)
    metrics.gauge("queue_depth", "Passages accepted and not yet scored.", lambda: batcher.depth)
    metrics.gauge("queue_limit", "Passages that may wait.", lambda: options.queue_pairs)
    scorer: Scorer = batcher
    if options.cache_bytes and info.pointwise:
        cache = ScoreCache(options.cache_bytes)
        metrics.gauge("cache_bytes", "Memory that the cached scores take.", lambda: cache.used_bytes)
        scorer = CachedScorer(scorer, cache, _identity(reranker), metrics)
    if options.log_texts:
        scorer = LoggedTexts(scorer, operations.logger)
    return scorer, batcher


def _identity(reranker: Reranker) -> str:
    """Return an identifier of everything that a score depends on besides the pair, as far as it is known."""
    fingerprint = getattr(reranker, "fingerprint", None)
    if isinstance(fingerprint, str):
        return fingerprint
    weights = reranker.weights_hash() if isinstance(reranker, HasWeights) else ""
    return f"{info_of(reranker).name} {weights}"


def _embedder(options: ServeOptions, metrics: Metrics, encoder: Encoder | None) -> Embedder | None:
    """Return a queue for the bi-encoder. The queue can hold at least the longest request."""
    if encoder is None:
        return None
    limit = max(options.queue_pairs, options.limits.max_inputs)
    embedder = Embedder(encoder, queue_texts=limit, observer=RefusalsOnly(metrics))
    metrics.gauge("embed_queue_depth", "Texts accepted and not yet embedded.", lambda: embedder.depth)
    metrics.gauge("embed_queue_limit", "Texts that may wait to be embedded.", lambda: limit)
    return embedder


def _progressive(options: ServeOptions, metrics: Metrics) -> ProgressiveQueue:
    queue = ProgressiveQueue(queue_pairs=options.queue_pairs, observer=RefusalsOnly(metrics))
    metrics.gauge("progressive_queue_depth", "Passages of progressive searches not yet scored.", lambda: queue.depth)
    return queue


def _labels(queries: Path, opened: Opened) -> Mapping[str, Mapping[str, int]]:
    """Return query text -> passage id -> grade. The grade of a judged document holds for each of its passages."""
    from shortlist.evaluation.query_sets import QuerySet
    from shortlist.evaluation.subject import subject_of

    query_set = QuerySet.read(queries)
    for file, encoding in query_set.guessed.items():
        LOG.warning("%s is not UTF-8 and was read as %s, a guess", file, encoding)
    corpus = corpus_of(opened)
    subject = subject_of(opened.searcher, query_set, corpus, allow_unknown=True)
    judged = subject.judged
    passages: dict[str, list[str]] = {}
    for passage in subject.seen or opened.passages() or ():
        key = passage.id if judged.level == "passage" else passage.document_id or passage.id
        passages.setdefault(key, []).append(passage.id)
    return {
        judged.queries[query].strip(): {
            passage: grade for key, grade in grades.items() for passage in passages.get(key, [key])
        }
        for query, grades in judged.qrels.items()
    }
