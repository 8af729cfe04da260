"""What is measured: a search, and a query set that is resolved against its passages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shortlist.collection.fits import StoredFits
from shortlist.evaluation.query_sets.identical_ids import without_own_id
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.query_sets.resolve_pools import resolve_in_pools
from shortlist.evaluation.replay.checkpoint import corpus_hash
from shortlist.search.search import Search
from shortlist.types import Passage


@dataclass(frozen=True, slots=True)
class Subject:
    """A search and the judged queries. `about` identifies the models, the passages and the rules, for a checkpoint."""

    search: Search
    judged: Judged
    about: Mapping[str, Any] = field(default_factory=dict)


def subject_of(
    search: Search,
    queries: QuerySet,
    passages: Iterable[Passage] | None = None,
    *,
    allow_unknown: bool = False,
    ignore_identical_ids: bool = False,
) -> Subject:
    """Resolve the query set, and return it with the search.

    Args:
        search: The search to measure.
        queries: The query set.
        passages: The passages of the index. None: they are unknown, and the set is resolved against the passages that
            the retriever returns for the queries.
        allow_unknown: Count judged ids and snippets that the index lacks as never found.
        ignore_identical_ids: Leave out a passage if its id, or its document's id, is the query's own.

    Raises:
        InvalidInput: As `query_set.resolve` or `resolve_pools.resolve_in_pools`.
    """
    corpus = None if passages is None else list(passages)
    if corpus is None:
        judged = resolve_in_pools(queries, search.retriever, allow_unknown=allow_unknown)
    else:
        judged = resolve(queries, corpus, allow_unknown=allow_unknown)
    about: dict[str, Any] = {
        **_parts(search),
        "passages": "unknown" if corpus is None else corpus_hash(corpus),
        "ignore_identical_ids": ignore_identical_ids,
    }
    if ignore_identical_ids:
        search = replace(search, retriever=without_own_id(search.retriever, queries.queries))
    return Subject(search, judged, about)


def _parts(search: Search) -> dict[str, Any]:
    if isinstance(search.fits, StoredFits):
        return search.fits.made_for(search.weights_at())
    return {
        "bi_encoder": "unknown" if search.encoder is None else search.encoder.name,
        "retriever": type(search.retriever).__name__,
        "weights": search.weights_at(),
    }
