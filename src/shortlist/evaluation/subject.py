"""The subject of a measurement: a search, and a query set that is resolved against its passages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shortlist.collection.fits import StoredFits
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.given import check_types
from shortlist.evaluation.query_sets.identical_ids import without_own_id
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, checked, resolve
from shortlist.evaluation.replay.checkpoint import corpus_hash
from shortlist.protocols import Retriever
from shortlist.search.pool import name_of, retrieved
from shortlist.search.search import Search
from shortlist.text.validation import checked_text
from shortlist.types import Passage

DEPTH = 100


@dataclass(frozen=True, slots=True)
class Subject:
    """A search and the judged queries.

    `about` identifies the models, the passages and the rules, for a checkpoint. `seen` has the passages that stage one
    returned while the set was resolved; it is empty if the corpus is known.
    """

    search: Search
    judged: Judged
    about: Mapping[str, Any] = field(default_factory=dict)
    seen: tuple[Passage, ...] = ()


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
        passages: The passages of the index. None: the passages are unknown. The set is then resolved against the
            passages that the retriever returns for the queries.
        allow_unknown: Count judged ids and snippets that the index lacks as never found.
        ignore_identical_ids: Leave out a passage if its id, or its document's id, equals the id of the query.

    Raises:
        InvalidInput: As `given.check_types`, and `query_set.resolve` or `resolve_in_pools`.
    """
    check_types(queries)
    corpus = None if passages is None else list(passages)
    seen: tuple[Passage, ...] = ()
    if corpus is None:
        seen = retrieved_passages(queries, search.retriever_at())
        judged = resolve_in(seen, queries, allow_unknown=allow_unknown)
    else:
        judged = resolve(queries, corpus, allow_unknown=allow_unknown)
    about: dict[str, Any] = {
        **_parts(search),
        "passages": "unknown" if corpus is None else corpus_hash(corpus),
        "ignore_identical_ids": ignore_identical_ids,
    }
    if ignore_identical_ids:
        search = replace(search, retriever=without_own_id(search.retriever_at(), queries.queries))
    return Subject(search, judged, about, seen)


def resolve_in_pools(
    query_set: QuerySet, retriever: Retriever, *, depth: int = DEPTH, allow_unknown: bool = False
) -> Judged:
    """Resolve a query set against the passages that a retriever returns for its queries, `depth` for each query.

    Use this function if the corpus is not known. A judged id that no pool contains may still exist, and is therefore
    not counted as unknown. A snippet is replaced by the retrieved passages that contain it. Without such a passage, the
    snippet counts as never found.

    Raises:
        InvalidInput: As `query_set.checked`; or some ids name passages and others documents; or no pool holds any
            judged id or snippet, and `allow_unknown` is False.
    """
    passages = retrieved_passages(query_set, retriever, depth)
    return resolve_in(passages, query_set, depth, allow_unknown=allow_unknown)


def retrieved_passages(query_set: QuerySet, retriever: Retriever, depth: int = DEPTH) -> tuple[Passage, ...]:
    """Return the passages that a retriever returns for the queries, `depth` for each query, each passage once.

    Raises:
        InvalidInput: As `query_set.checked`.
    """
    checked(query_set)
    queries = query_set.queries.values()
    pools = (retrieved(retriever, checked_text(query), depth) for query in queries)
    return tuple({hit.passage.id: hit.passage for pool in pools for hit in pool}.values())


def resolve_in(
    passages: Sequence[Passage], query_set: QuerySet, depth: int = DEPTH, *, allow_unknown: bool = False
) -> Judged:
    """Resolve a query set against the passages of `retrieved_passages`. Raises as `resolve_in_pools` does."""
    judged = resolve(query_set, passages, allow_unknown=True)
    total = len({key for grades in query_set.qrels.values() for key in grades})
    total += sum(map(len, query_set.snippets.values()))
    if judged.unknown == total and not allow_unknown:
        example = passages[0].id if passages else None
        example_id = "the pools are empty" if example is None else f"a retrieved passage has the id {example!r}"
        raise InvalidInput(
            f"none of the {total} judged ids and snippets of {query_set.name} is in the first {depth} passages of any "
            f"query ({example_id}): judge by the ids of the retriever's passages or documents, or allow unknown ids "
            "(allow_unknown)"
        )
    return replace(judged, unknown=0, depth=depth)


def _parts(search: Search) -> dict[str, Any]:
    if isinstance(search.fits, StoredFits):
        return search.fits.made_for(search.weights_at())
    return {
        "bi_encoder": "unknown" if search.encoder is None else search.encoder.name,
        "retriever": name_of(search.retriever),
        "weights": search.weights_at(),
    }
