"""A query set for a retriever that cannot list its passages."""

from __future__ import annotations

from dataclasses import replace

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, checked, resolve
from shortlist.protocols import Retriever

DEPTH = 100


def resolve_in_pools(
    query_set: QuerySet, retriever: Retriever, *, depth: int = DEPTH, allow_unknown: bool = False
) -> Judged:
    """Resolve a query set against the passages that a retriever returns for its queries, `depth` for each query.

    Use it if the corpus is not known. A judged id that no pool holds may exist all the same, so it is not counted as
    unknown. A snippet stands for the retrieved passages that contain it; if there are none, it counts as never found.

    Raises:
        InvalidInput: As `query_set.checked`; or some ids name passages and others documents; or no pool holds any
            judged id or snippet, and `allow_unknown` is False.
    """
    checked(query_set)
    passages = {
        hit.passage.id: hit.passage for query in query_set.queries.values() for hit in retriever.retrieve(query, depth)
    }
    judged = resolve(query_set, passages.values(), allow_unknown=True)
    total = len({key for grades in query_set.qrels.values() for key in grades})
    total += sum(map(len, query_set.snippets.values()))
    if judged.unknown == total and not allow_unknown:
        example = next(iter(passages), None)
        retrieved = "the pools are empty" if example is None else f"a retrieved passage has the id {example!r}"
        raise InvalidInput(
            f"none of the {total} judged ids and snippets of {query_set.name} is in the first {depth} passages of any "
            f"query ({retrieved}): judge by the ids of the retriever's passages or documents, or allow unknown ids "
            "(allow_unknown)"
        )
    return replace(judged, unknown=0)
