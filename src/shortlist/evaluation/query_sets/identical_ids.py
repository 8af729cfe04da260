"""The identical-id rule: where a query is one of the texts itself, that text is no answer to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from shortlist.evaluation.metrics.measures import is_itself
from shortlist.protocols import Fuses, Retriever
from shortlist.types import Hit, Where


def own_ids(queries: Mapping[str, str]) -> dict[str, set[str]]:
    """Query text -> the ids of all queries with this text: a search is told no id."""
    found: dict[str, set[str]] = {}
    for key, text in queries.items():
        found.setdefault(text, set()).add(key)
    return found


class WithoutItself:
    """A retriever that leaves out the passage or document whose id is the query's own. Satisfies `Retriever`.

    ArguAna's queries are texts of its corpus; BEIR drops them from results by the same rule. The pool keeps its size:
    one passage more is retrieved.
    """

    def __init__(self, retriever: Retriever, queries: Mapping[str, str]) -> None:
        self._retriever = retriever
        self._ids = own_ids(queries)

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """At most `k` hits as the inner retriever ranks them, renumbered from 1."""
        return self._without(query, k, lambda asked: self._retriever.retrieve(query, asked, where))

    def _without(self, query: str, k: int, ask: Callable[[int], list[Hit]]) -> list[Hit]:
        own = self._ids.get(query, set())
        asked = k + 1
        while True:
            found = ask(asked)
            kept = [hit for hit in found if not is_itself(hit.passage.id, hit.passage.document_id, own)]
            if len(kept) >= k or len(found) < asked:
                return [replace(hit, rank=place, retrieval_rank=place) for place, hit in enumerate(kept[:k], start=1)]
            asked *= 2


class FusesWithoutItself(WithoutItself):
    """The same around a retriever that fuses lists. Satisfies `Fuses`."""

    def __init__(self, retriever: Retriever, queries: Mapping[str, str]) -> None:
        super().__init__(retriever, queries)
        assert isinstance(retriever, Fuses)
        self._inner = retriever
        self.fusion = retriever.fusion

    def retrieve_at(self, fusions: Sequence[float], query: str, k: int, where: Where | None = None) -> list[list[Hit]]:
        """See `protocols.Fuses`."""
        held: dict[int, list[list[Hit]]] = {}

        def ask(place: int, asked: int) -> list[Hit]:
            if asked not in held:
                held[asked] = self._inner.retrieve_at(fusions, query, asked, where)
            return held[asked][place]

        return [self._without(query, k, partial(ask, place)) for place in range(len(fusions))]


def without_itself(retriever: Retriever, queries: Mapping[str, str]) -> Retriever:
    """The retriever under the identical-id rule, with its fusion weight where it has one."""
    kind = FusesWithoutItself if isinstance(retriever, Fuses) else WithoutItself
    return kind(retriever, queries)
