"""The identical-id rule: if a query is a text of the corpus, the answer leaves out this text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from shortlist.evaluation.metrics.measures import has_own_id
from shortlist.protocols import Fuses, Retriever
from shortlist.search.pool import numbered, retrieved
from shortlist.types import Hit, Where


def own_ids(queries: Mapping[str, str]) -> dict[str, set[str]]:
    """Return query text -> the ids of all queries with this text. A retriever receives only the text of a query."""
    ids: dict[str, set[str]] = {}
    for key, text in queries.items():
        ids.setdefault(text, set()).add(key)
    return ids


class WithoutOwnId:
    """A retriever that leaves out the passage or document with the query's own id. Satisfies `Retriever`.

    ArguAna's queries are texts of its corpus, and BEIR removes them from results by the same rule. The pool keeps its
    size, because one more passage is retrieved.
    """

    def __init__(self, retriever: Retriever, queries: Mapping[str, str]) -> None:
        self._retriever = retriever
        self.expand = getattr(retriever, "expand", None)
        self._ids = own_ids(queries)

    @property
    def index(self) -> object:
        """The index or the store that the inner retriever searches, or None."""
        return getattr(self._retriever, "index", None)

    @property
    def bi_encoder(self) -> str | None:
        """The bi-encoder that the inner retriever names, or None."""
        return getattr(self._retriever, "bi_encoder", None)

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """Return at most `k` hits in the order of the inner retriever, numbered from 1."""
        return self._retrieve_without(query, k, lambda size: retrieved(self._retriever, query, size, where))

    def _retrieve_without(self, query: str, k: int, retrieve: Callable[[int], Sequence[Hit]]) -> list[Hit]:
        own = self._ids.get(query, set())
        size = k + 1
        while True:
            hits = retrieve(size)
            kept = [hit for hit in hits if not has_own_id(hit.passage.id, hit.passage.document_id, own)]
            if len(kept) >= k or len(hits) < size:
                return numbered(kept[:k])
            size *= 2


class FusesWithoutOwnId(WithoutOwnId):
    """`WithoutOwnId` around a retriever that fuses lists. Satisfies `Fuses`."""

    def __init__(self, retriever: Retriever, queries: Mapping[str, str]) -> None:
        super().__init__(retriever, queries)
        assert isinstance(retriever, Fuses)
        self._inner = retriever
        self.fusion = retriever.fusion

    def retrieve_at(self, fusions: Sequence[float], query: str, k: int, where: Where | None = None) -> list[list[Hit]]:
        """See `protocols.Fuses`."""
        by_size: dict[int, list[list[Hit]]] = {}

        def retrieve(place: int, size: int) -> list[Hit]:
            if size not in by_size:
                by_size[size] = self._inner.retrieve_at(fusions, query, size, where)
            return by_size[size][place]

        return [self._retrieve_without(query, k, partial(retrieve, place)) for place in range(len(fusions))]


def without_own_id(retriever: Retriever, queries: Mapping[str, str]) -> Retriever:
    """Return the retriever under the identical-id rule, with its fusion weight if it has one."""
    kind = FusesWithoutOwnId if isinstance(retriever, Fuses) else WithoutOwnId
    return kind(retriever, queries)
