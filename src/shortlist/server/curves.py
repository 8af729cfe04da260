"""The curve of a measure over pool sizes, from one scoring pass of each judged query through the server's queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shortlist.config import SearchConfig
from shortlist.evaluation.metrics.measures import Measure
from shortlist.evaluation.metrics.outcomes import depth_of, retriever_notes
from shortlist.evaluation.query_sets.query_set import Judged, Level
from shortlist.evaluation.replay.pool_sizes import different_sizes, same_pools
from shortlist.evaluation.replay.replay import Recorded
from shortlist.evaluation.replay.scoring_pass import record
from shortlist.evaluation.tuning.sweep import Curve, Plan, from_pass
from shortlist.search.query_texts import QueryTexts
from shortlist.search.scores import check_pointwise
from shortlist.search.search import Search
from shortlist.server.components import Components
from shortlist.server.explaining import ThroughScorer, in_own_thread
from shortlist.server.reranking import scorer_of
from shortlist.types import Qrels
from shortlist.wording import worded_notes

SHOWN_IDS = 1000
"""The largest number of unknown ids that an answer lists."""


@dataclass(frozen=True, slots=True)
class CurveCall:
    """Judged queries and what to measure. `qrels` has the ids that answers of the server show."""

    queries: Mapping[str, QueryTexts]
    qrels: Qrels
    measure: Measure
    sizes: tuple[int, ...]
    config: SearchConfig


async def curve(components: Components, searcher: Search, call: CurveCall) -> dict[str, Any]:
    """Return the curve as a JSON object: see `answer_of`.

    Each query is retrieved and scored once, with the largest pool. Every smaller pool is computed from this pass. Of
    several sizes with the same pools, only the smallest is in the answer, and a note has the others. The pairs wait in
    the queue of the server. A cancelled request scores no further query.

    Raises:
        Problem: The server has no reranker.
        InvalidInput: The scores depend on the pool, or a query cannot be searched.
        QueueFull, ModelError, StoreError, RetrieverFailed: As the queue and `Search.begin`.
    """
    scorer = scorer_of(components)
    check_pointwise(scorer.reranker, "rerank", "the curve is computed from one scoring pass")
    search = replace(searcher, reranker=ThroughScorer(scorer), config=call.config)
    return await in_own_thread(_measured, components, search, call)


def _measured(components: Components, search: Search, call: CurveCall) -> dict[str, Any]:
    depth = depth_of([call.measure], call.measure.cutoff or 1, "document")
    passes = {key: record(search, key, texts, call.sizes, depth) for key, texts in call.queries.items()}
    judged, unknown = _judged(components, passes.values(), call)
    answers = [each.answers for each in passes.values()]
    sizes = different_sizes(answers, call.sizes)
    plan = Plan(sizes, (call.measure,), call.measure.cutoff or 1, depth)
    measured = from_pass(passes, judged, plan, search.weights_at(), [1.0])[0]
    recorded = passes.values()
    about = retriever_notes((each.limited for each in recorded), (each.repeated for each in recorded))
    notes = [components.names.note(note) for note in [*same_pools(answers, call.sizes, sizes), *about]]
    skipped = sum(each.skipped is not None for each in recorded)
    return {
        **answer_of(measured, str(call.measure)),
        "level": judged.level,
        "skipped": skipped,
        "without_relevant": judged.without_relevant,
        "unknown": len(unknown),
        "unknown_ids": unknown[:SHOWN_IDS],
        "notes": worded_notes(notes),
    }


def answer_of(curve: Curve, measure: str) -> dict[str, Any]:
    """Return the means of a curve as a JSON object, each from 0 to 1.

    `reranked`, `ceiling` (the best order of each pool) and `recall` have one value for each of `sizes`, `stage_one` is
    one value, and `best` is the smallest size with the highest `reranked`.
    """
    return {
        "measure": measure,
        "queries": len(curve.query_ids),
        "sizes": list(curve.sizes),
        "stage_one": float(curve.stage_one[measure].mean()),
        "reranked": curve.means(measure).tolist(),
        "ceiling": curve.ceiling[measure].mean(axis=1).tolist(),
        "recall": curve.recall.mean(axis=1).tolist(),
        "best": curve.sizes[curve.best(measure)],
    }


def _judged(components: Components, passes: Iterable[Recorded], call: CurveCall) -> tuple[Judged, list[str]]:
    """Return the judgments with the ids of the index, and the shown ids that the index does not have.

    The ids name documents if the pools have more of them as documents than as passages.
    """
    shown = components.names.shown
    hits = [hit for each in passes for hits in each.answers.values() for hit in hits]
    passages = {shown(hit.passage.id): hit.passage.id for hit in hits}
    documents = {shown(key): key for hit in hits if (key := hit.passage.document_id or hit.passage.id)}
    ids = {key for grades in call.qrels.values() for key in grades}
    level: Level = "document" if len(ids & documents.keys()) > len(ids & passages.keys()) else "passage"
    originals = documents if level == "document" else passages
    qrels = {
        query: {originals.get(key, key): grade for key, grade in grades.items()} for query, grades in call.qrels.items()
    }
    texts = {key: query.query for key, query in call.queries.items()}
    unseen = sorted(ids - originals.keys())
    return Judged("the request", texts, qrels, level), _unknown(components, unseen) if level == "passage" else []


def _unknown(components: Components, shown: Sequence[str]) -> list[str]:
    """Return the shown ids that the index does not have, or that the key of the request may not read.

    If the server cannot look up an id, no id is unknown.
    """
    if components.index is None or not shown:
        return []
    originals = {key: components.names.originals(key) for key in shown if components.sees(key)}
    stored = {passage.id for passage in components.index.get([name for names in originals.values() for name in names])}
    return [key for key in shown if not stored.intersection(originals.get(key, ()))]
