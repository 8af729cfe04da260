"""The interface of a store, and of the part of a store that its own client runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shortlist.protocols import Searched
from shortlist.search.filters import Operator
from shortlist.search.listing import LeftOut
from shortlist.stores.fields import Fields
from shortlist.stores.filters import EQUALITY, Condition
from shortlist.stores.metrics import MetricName
from shortlist.types import Note, Passage, Where

Vector: TypeAlias = NDArray[np.float32]
Scored: TypeAlias = list[tuple[Passage, float]]


class Store(Searched, Protocol):
    """A collection of passages in a store. A store is read and never written."""

    @property
    def name(self) -> str:
        """The name of the store, without secrets."""

    @property
    def has_vectors(self) -> bool:
        """Whether `nearest`, `similarities`, `vectors` and `sample` work."""

    @property
    def has_words(self) -> bool:
        """Whether `matching` works."""

    @property
    def filters(self) -> bool:
        """Whether the store can filter. With a filter, a store that cannot filter raises InvalidInput."""

    @property
    def exact(self) -> bool:
        """Whether `nearest` compares the vector with every passage."""

    @property
    def gives_cosines(self) -> bool:
        """Whether the scores of `nearest` are cosines."""

    @property
    def dimension(self) -> int | None:
        """The length of a stored vector; None if it is unknown, or without vectors."""

    @property
    def lossy(self) -> bool:
        """Whether the stored vectors are rounded so much that they differ visibly from the true vectors."""

    def both(self, vector: Vector, text: str, k: int, where: Where | None = None) -> tuple[Scored, Scored]:
        """Return what `nearest` and `matching` return, in one request if the store allows it."""

    def vectors(self, ids: Sequence[str]) -> Vector:
        """Return the `(len(ids), dimension)` stored vectors, in the order given. Every id must exist."""

    def sample(self) -> tuple[Passage, Vector] | None:
        """Return one passage with its vector; None for an empty collection."""

    def passages(self, left_out: LeftOut | None = None) -> Iterator[Passage] | None:
        """Return every passage, in no fixed order; None if the store cannot list them. See `OpenStore.passages`."""

    def close(self) -> None:
        """Release the connection. A second call does nothing."""

    def __len__(self) -> int:
        """The number of rows."""


class Row(NamedTuple):
    """A row of a store: its id, its fields by name, and a score of the query.

    The score of a vector query is a cosine, an inner product, or a squared distance, as `Facts.metric` says. For a
    query of words, higher is better. `near` is the score of the vector query for a row of the words, if one request has
    both.
    """

    id: Any
    record: Mapping[str, Any]
    score: float = 0.0
    near: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a backend knows of its collection.

    Args:
        name: The name of the store, without secrets.
        fields: Where a row holds its id, text, title and so on.
        metric: What the score of a vector query is: "cosine", "dot" (inner product), or "l2" (squared distance). None:
            the collection has no vectors.
        dimension: The length of a vector, if it is known.
        words: Whether the collection can be searched by words.
        filters: Whether the collection can be filtered.
        exact: Whether a vector query compares the vector with every row.
        largest_k: The most rows of one query, if there is a limit.
        lossy: Whether the stored vectors are rounded so much that the cosine to the true vector may be below 0.98.
        word_score: The name of the score of a query of words.
        key: The name by which a filter finds rows by the store's own id, if there is one.
        keeps_word_scores: Whether a filter leaves the scores of words as they are.
        operators: The operators of filters that the store has. The backend may refuse one for a field of some type.
    """

    name: str
    fields: Fields
    metric: MetricName | None = None
    dimension: int | None = None
    words: bool = False
    filters: bool = True
    exact: bool = False
    largest_k: int | None = None
    lossy: bool = False
    word_score: str = "BM25"
    key: str = ""
    keeps_word_scores: bool = True
    operators: frozenset[Operator] = EQUALITY


class Backend(Protocol):
    """The calls to one store. `OpenStore` checks their arguments and turns their rows into passages.

    A backend raises StoreError or InvalidInput, and no error of its client. The methods for vectors
    and for words are called only if `facts` says that the collection has them.
    """

    @property
    def facts(self) -> Facts:
        """What is known of the collection."""

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> Iterable[Row]:
        """Return the `k` rows that are nearest to the vector."""

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> Iterable[Row]:
        """Return the `k` rows that match the words of the text best. The text has at least one word."""

    def vectors(self, ids: Sequence[str]) -> Mapping[str, Sequence[float] | Vector]:
        """Return the vectors of the rows with these ids, by id. Unknown ids are left out."""

    def samples(self, count: int) -> Sequence[tuple[Row, Sequence[float] | Vector]]:
        """Return at most `count` rows with their vectors."""

    def rows(self) -> Iterator[Row] | None:
        """Return every row, or None if the store cannot list them."""

    def close(self) -> None:
        """Release the connection."""

    def __len__(self) -> int:
        """The number of rows."""


@runtime_checkable
class RunsBoth(Protocol):
    """A backend that searches by vector and by words in one request."""

    def both(
        self, vector: Vector, text: str, k: int, where: Sequence[Condition]
    ) -> tuple[Iterable[Row], Iterable[Row]]:
        """Return what `nearest` and `matching` return."""


@runtime_checkable
class NotesFilters(Protocol):
    """A backend that knows why a filter may miss rows."""

    def filter_notes(self, where: Sequence[Condition]) -> list[Note]:
        """Return notes about rows that the filter cannot find. The filter is not empty."""
