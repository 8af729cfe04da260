"""`adapt`: a reranker that learns from judged queries. It loads what is needed when it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from shortlist.adapting.result import Adaptation
    from shortlist.evaluation.query_sets import QuerySet
    from shortlist.search.opened import Opened
    from shortlist.search.search import Search


def adapt(  # noqa: PLR0913 - only the first two are needed
    search: Search | Opened,
    queries: QuerySet | str | Path,
    *,
    pool_size: int = 50,
    level: Literal["auto", "weights", "head", "layer"] = "auto",
    measure: str = "nDCG@10",
    most_queries: int = 400,
    ignore_identical_ids: bool = False,
    allow_unknown: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Adaptation:
    """Fit the reranker to one half of the queries, and compare both models on the other half.

    Args:
        search: An open index, an open retriever, or a `Search` with the packaged reranker or a model in its form.
        queries: A query set of at least 30 judged queries, or a path for `QuerySet.read`.
        pool_size: Passages of each query to learn from.
        level: What changes: stage one's weights in the final score ("weights"), also the head of the model ("head"), or
            also its last layer ("layer"). "auto" takes the best level on inner splits of the first half.
        measure: The measure that decides, with a cutoff.
        most_queries: Queries of each half, at most.
        ignore_identical_ids: Leave out a passage if its id, or its document's id, is the query's own.
        allow_unknown: Count judged ids and snippets that the index lacks as never found, instead of raising an error.
        progress: Is called with the name of a part, the number of its items that are done, and of all its items.

    Returns:
        What was learned, and `report` with both means, the gain and its p value. `save(folder)` writes the model, if
        it is better on the held-out queries. `load_reranker(folder)` loads the model.

    Raises:
        InvalidInput: Too few queries, a query set that cannot be used, or a reranker that cannot be adapted.
        BadScores: The reranker returned NaN or infinity.
    """
    from shortlist.adapting.adapt import adapt as run
    from shortlist.adapting.options import AdaptOptions
    from shortlist.evaluation.subject import subject_of

    options = AdaptOptions(pool_size=pool_size, level=level, measure=measure, most_queries=most_queries)
    subject = subject_of(search, queries, allow_unknown=allow_unknown, ignore_identical_ids=ignore_identical_ids)
    return run(subject.search, subject.judged, options, progress=progress)
