"""`Ranked`: one document of a reranked list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from shortlist.note import Note
from shortlist.protocols import Reranker
from shortlist.reprs import short_repr

Order: TypeAlias = Literal["blend", "reranker"]
"""What orders a result: "reranker" is the reranker's score alone, "blend" adds the weighted signals of stage one."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One reranked document: the very object that was given, and its place in the list that was given, from 0.

    `score` is the final score, higher is better. `rank` counts from 1. `truncated` is True if the document was cut to
    fit the window of the reranker or of the pool encoder. `rerank_score` is the reranker's own score, or None if a
    progressive reranker did not score the document to the end. `order` is the same for all results of a list.
    """

    index: int
    score: float
    document: Any
    rank: int
    truncated: bool = False
    rerank_score: float | None = None
    order: Order = "reranker"

    @property
    def retrieval_rank(self) -> int:
        """The rank of the document in the list that was given, from 1."""
        return self.index + 1

    def __repr__(self) -> str:
        return short_repr(self, self.index, {"rank": self.rank, "score": self.score, "document": self.document})


class Reranked(list[Ranked]):
    """Reranked documents, best first. `notes` are facts about all of them, such as a query that is too long."""

    def __init__(self, ranked: Iterable[Ranked] = (), notes: Iterable[Note] = ()) -> None:
        super().__init__(ranked)
        self.notes: tuple[Note, ...] = tuple(notes)


class RanksDocuments(Reranker, Protocol):
    """A reranker with the method `rank`, which every reranker of the package has."""

    def rank(self, query: str, documents: Iterable[Any], *, top_k: int | None = None) -> Reranked:
        """Return the documents, best first, at most `top_k`: see `shortlist.rerank`."""
