"""The subject of a measurement: a search, and a query set that is resolved against its passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shortlist.collection.fits import StoredFits
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.given import check_types
from shortlist.evaluation.query_sets.identical_ids import without_own_id
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, checked, resolve
from shortlist.evaluation.replay.checkpoint import corpus_hash
from shortlist.protocols import Retriever
from shortlist.search.listing import listed_by
from shortlist.search.opened import Opened
from shortlist.search.pool import name_of, retrieved
from shortlist.search.search import Search
from shortlist.search.searches import Searches
from shortlist.text.validation import checked_text
from shortlist.types import Passage

DEPTH = 100

LISTED = 200_000
"""The largest store, or index on a server, whose passages are read to resolve judgments."""


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
    search: Searches,
    queries: QuerySet | str | Path,
    *,
    allow_unknown: bool = False,
    ignore_identical_ids: bool = False,
) -> Subject:
    """Resolve the query set against the passages of the search, and return both.

    If the passages cannot be listed (see `corpus_of`), the set is resolved against those that the retriever returns.

    Args:
        search: An open index, an open retriever, or a `Search` over any retriever.
        queries: A query set, or a path for `QuerySet.read`.
        allow_unknown: Count judged ids and snippets that the index lacks as never found.
        ignore_identical_ids: Leave out a passage if its id, or its document's id, equals the id of the query.

    Raises:
        InvalidInput: `search` or `queries` is something else, or as `corpus_of`, `given.check_types`,
            `query_set.resolve` or `resolve_in`.
    """
    if not isinstance(queries, (QuerySet, str, Path)):
        raise InvalidInput(f"queries is {queries!r:.80}: give a QuerySet, or the path of a file with queries")
    query_set = queries if isinstance(queries, QuerySet) else QuerySet.read(queries)
    check_types(query_set)
    if not isinstance(search, Searches):
        raise InvalidInput(f"search is {search!r:.80}: give an open index, an open retriever, or a Search")
    passages, searcher = corpus_of(search), search.searcher  # an empty collection is an error before the models load
    corpus = None if passages is None else list(passages)
    seen: tuple[Passage, ...] = ()
    if corpus is None:
        seen = retrieved_passages(query_set, searcher.retriever_at())
        judged = resolve_in(seen, query_set, allow_unknown=allow_unknown)
    else:
        judged = resolve(query_set, corpus, allow_unknown=allow_unknown)
    about: dict[str, Any] = {
        **_parts(searcher),
        "passages": "unknown" if corpus is None else corpus_hash(corpus),
        "ignore_identical_ids": ignore_identical_ids,
    }
    if ignore_identical_ids:
        searcher = replace(searcher, retriever=without_own_id(searcher.retriever_at(), query_set.queries))
    return Subject(searcher, judged, about, seen)


def corpus_of(search: Searches) -> Iterator[Passage] | None:
    """Return the passages against which judgments are resolved: all of them, or None if that is not possible.

    It is not possible if the retriever cannot list its passages, and not done if a store or an index on a server has
    more than `LISTED`.

    Raises:
        InvalidInput: The index or the collection is empty.
    """
    if not isinstance(search, Opened):
        return listed_by(search.searcher.retriever)
    search.check_not_empty()
    if search.on_server and (search.count() or 0) > LISTED:
        return None
    return search.passages()


def known_passages(search: Searches, subject: Subject) -> Iterable[Passage]:
    """Return the passages that a report can show: all of them, or those that stage one returned for the queries."""
    return subject.seen or corpus_of(search) or ()


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
    """Resolve a query set against the passages of `retrieved_passages`, if the corpus is not known.

    A judged id that no pool contains may still exist, and is therefore not counted as unknown. A snippet is replaced by
    the retrieved passages that contain it. Without such a passage, the snippet counts as never found.

    Raises:
        InvalidInput: Some ids name passages and others documents; or no pool holds any judged id or snippet, and
            `allow_unknown` is False.
    """
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
