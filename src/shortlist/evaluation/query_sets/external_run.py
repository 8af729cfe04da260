"""A run from elsewhere, measured like a set-up of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import MEASURES, Evaluation, K, measures_of
from shortlist.evaluation.metrics.measures import is_itself, ordered
from shortlist.evaluation.metrics.outcomes import measured
from shortlist.evaluation.query_sets.identical_ids import own_ids
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.types import Hit, Passage, Ranking, Run


def evaluate_run(  # noqa: PLR0913 - only the first two are needed
    run: Run,
    judged: Judged,
    *,
    measures: Sequence[str] = MEASURES,
    k: int = K,
    name: str = "run",
    documents: Mapping[str, str] | None = None,
    itself: bool = False,
    about: Mapping[str, str] | None = None,
) -> Evaluation:
    """The run as an evaluation without a reranker: both stages are its own order, its longest list is the pool.

    Queries are ordered as trec_eval does (see `metrics.ordered`). A judged query that the run lacks counts 0; queries
    that are not judged are passed over. `documents` maps passage ids to document ids: where documents are judged, a
    document then counts at its best passage. With `itself` a passage whose id, or whose
    document's id, is the query's own is left out, as `itself.WithoutItself` does for set-ups. No times are told.

    Raises:
        InvalidInput: An unknown measure, or the run answers none of the judged queries.
    """
    asked = measures_of(measures)
    if not any(run.get(key) for key in judged.queries):
        shown = f"such as {next(iter(run))!r}" if run else "as it is empty"
        raise InvalidInput(
            f"run {name!r} answers none of the {len(judged.queries)} judged queries of {judged.name}: its query ids, "
            f"{shown}, have to be those of the query set, such as {next(iter(judged.queries))!r}"
        )
    of = documents or {}
    own = own_ids(judged.queries) if itself else {}
    kept = {
        key: [one for one in ordered(run.get(key, {})) if not is_itself(one, of.get(one, one), own.get(query, set()))]
        for key, query in judged.queries.items()
    }
    size = max(map(len, kept.values()))
    outcomes = []
    for query_id, query in judged.queries.items():
        hits = _hits(kept[query_id], of)
        ranking = Ranking(query, hits, size, scored=0, truncated=0, reranked=False, seconds={})
        outcomes.append(measured(query_id, ranking, judged, asked, k))
    names = tuple(map(str, asked))
    return Evaluation(name, judged.name, judged.fingerprint, size, k, names, tuple(outcomes), dict(about or {}))


def _hits(ids: Sequence[str], documents: Mapping[str, str]) -> tuple[Hit, ...]:
    """Hits in this order, whose scores fall by one a rank."""
    return tuple(
        Hit(Passage(key, key, documents.get(key, key)), score, rank, score, rank)
        for rank, (key, score) in enumerate(zip(ids, range(len(ids), 0, -1), strict=True), start=1)
    )
