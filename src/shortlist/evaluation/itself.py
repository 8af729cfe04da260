"""The identical-id rule: where a query is one of the texts itself, that text is no answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shortlist.protocols import Retriever
from shortlist.types import Hit, Where


class WithoutItself:
    """A retriever that leaves out the passage or document whose id is the query's own. Satisfies `Retriever`.

    ArguAna's queries are texts of its corpus; BEIR drops them from results by the same rule. The pool keeps its size:
    one passage more is retrieved.
    """

    def __init__(self, retriever: Retriever, queries: Mapping[str, str]) -> None:
        self._retriever = retriever
        self._ids: dict[str, set[str]] = {}
        for key, text in queries.items():
            self._ids.setdefault(text, set()).add(key)

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """At most `k` hits as the inner retriever ranks them, renumbered from 1."""
        own = self._ids.get(query, set())
        asked = k + 1
        while True:
            found = self._retriever.retrieve(query, asked, where)
            kept = [hit for hit in found if not {hit.passage.id, hit.passage.document_id} & own]
            if len(kept) >= k or len(found) < asked:
                return [replace(hit, rank=place, retrieval_rank=place) for place, hit in enumerate(kept[:k], start=1)]
            asked *= 2
