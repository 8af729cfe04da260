"""The evaluation of a run that another system made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import CUTOFF, MEASURES, Evaluation, measures_of
from shortlist.evaluation.metrics.measures import has_own_id, ordered
from shortlist.evaluation.metrics.outcomes import measured
from shortlist.evaluation.query_sets.identical_ids import own_ids
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.types import Hit, Passage, Ranking, Run


def evaluate_run(  # noqa: PLR0913 - only the first two are needed
    run: Run,
    judged: Judged,
    *,
    measures: Sequence[str] = MEASURES,
    cutoff: int = CUTOFF,
    name: str = "run",
    documents: Mapping[str, str] | None = None,
    ignore_identical_ids: bool = False,
    about: Mapping[str, str] | None = None,
) -> Evaluation:
    """Return the run as an evaluation without a reranker.

    The length of the longest list is the pool size; times are unknown.

    Args:
        run: Query id -> passage or document id -> score. The ids are sorted as by trec_eval (`measures.ordered`). A
            judged query that the run lacks counts as 0. Other queries are ignored.
        judged: The queries with their judgments.
        measures: Names of measures, each with a cutoff.
        cutoff: A query is fine if a relevant id is among the first `cutoff` results.
        name: The name of the run in tables.
        documents: Passage id -> document id. If documents are judged, a document counts at its best passage.
        ignore_identical_ids: Leave out a passage if its id, or its document's id, equals the id of the query.
        about: Facts about the run, for readers of a saved evaluation.

    Raises:
        InvalidInput: An unknown measure, or the run answers none of the judged queries.
    """
    parsed = measures_of(measures)
    if not any(run.get(key) for key in judged.queries):
        example = f"such as {next(iter(run))!r}" if run else "none, because it is empty"
        raise InvalidInput(
            f"run {name!r} answers none of the {len(judged.queries)} judged queries of {judged.name}: its query ids "
            f"({example}) must be those of the query set, such as {next(iter(judged.queries))!r}"
        )
    document_of = documents or {}
    own = own_ids(judged.queries) if ignore_identical_ids else {}
    lists = {
        query_id: [
            key
            for key in ordered(run.get(query_id, {}))
            if not has_own_id(key, document_of.get(key, key), own.get(query, set()))
        ]
        for query_id, query in judged.queries.items()
    }
    size = max(map(len, lists.values()))
    outcomes = []
    for query_id, query in judged.queries.items():
        hits = _hits(lists[query_id], document_of)
        ranking = Ranking(query, hits, "off", size, scored=0, truncated=0, dropped=0, seconds={})
        outcomes.append(measured(query_id, ranking, judged, parsed, cutoff))
    names = tuple(map(str, parsed))
    return Evaluation(name, judged.name, judged.fingerprint, size, cutoff, names, tuple(outcomes), dict(about or {}))


def _hits(ids: Sequence[str], documents: Mapping[str, str]) -> tuple[Hit, ...]:
    """Hits in this order, with scores that fall by one for each rank."""
    return tuple(
        Hit(Passage(key, key, documents.get(key, key)), score, rank, score, rank)
        for rank, (key, score) in enumerate(zip(ids, range(len(ids), 0, -1), strict=True), start=1)
    )
