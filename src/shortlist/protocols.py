"""The plugs: what an encoder, an index, a retriever and a reranker have to offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shortlist.types import Hit, Passage, Where


class Encoder(Protocol):
    """Text to vectors. `name` identifies the model and its weights; an index remembers it."""

    @property
    def name(self) -> str:
        """The model's id and whatever else changes its vectors."""

    @property
    def dimension(self) -> int:
        """Length of one vector."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), dimension)` float32 unit rows; no texts give `(0, dimension)`."""

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `encode_queries`, with the model's prompt for passages."""


@runtime_checkable
class CountsTokens(Protocol):
    """An encoder that can say how much of each text it reads."""

    def tokens_of(self, texts: Sequence[str], *, query: bool = False) -> tuple[list[int], list[bool]]:
        """The tokens it reads of each text, prompt and special tokens included, and which texts it cuts."""


class Index(Protocol):
    """Where passages live, searchable by vector and by words."""

    def add(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        """Stores the passages with their `(n, dimension)` vectors; an id already there is replaced."""

    def delete(self, ids: Iterable[str]) -> None:
        """Removes the passages with these ids; unknown ids are passed over."""

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids in the order asked; unknown ids are left out."""

    def nearest(self, vector: NDArray[np.float32], k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        """At most `k` passages by cosine to `vector`, highest first."""

    def matching(self, text: str, k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        """At most `k` passages by BM25 against `text`, highest first; passages sharing no term are left out."""

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> list[float]:
        """The cosine of each of these passages to `vector`, in the order given; every id has to exist."""

    def __len__(self) -> int:
        """How many passages it holds."""


class Retriever(Protocol):
    """Stage one: a query to a ranked pool."""

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """At most `k` hits, best first, `rank` and `retrieval_rank` 1, 2, 3...; no match gives an empty list."""


@runtime_checkable
class KeepsPrefix(Protocol):
    """A retriever whose shorter answers are the start of its longer ones, up to a depth."""

    @property
    def prefix_depth(self) -> int:
        """The answers to any two k up to this are the same as far as the shorter one goes."""


@runtime_checkable
class Fuses(Protocol):
    """A retriever that fuses two ranked lists under a weight, and can say what other weights would give."""

    fusion: float
    """The share of the vectors in the fused order, 0 to 1."""

    def retrieve_at(self, fusions: Sequence[float], query: str, k: int, where: Where | None = None) -> list[list[Hit]]:
        """For each weight, exactly what `retrieve` would answer under it; the lists are read once for all of them."""


class Reranker(Protocol):
    """Stage two: how well each text answers the query."""

    @property
    def name(self) -> str:
        """The model's id."""

    @property
    def pointwise(self) -> bool:
        """True when a text's score does not depend on the other texts of the call."""

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """One finite float a text, in the order given, higher is better; no texts give an empty list."""


@runtime_checkable
class ReportsTruncation(Protocol):
    """A reranker that can say which texts it had to cut."""

    def score_and_report(self, query: str, texts: Sequence[str]) -> tuple[list[float], list[bool]]:
        """The scores as `score` gives them, and for each text whether it was cut to fit the window."""


@runtime_checkable
class SaysUnit(Protocol):
    """A reranker that says whether its scores are logits; one that does not say so gives logits."""

    @property
    def logits(self) -> bool:
        """True where a sigmoid brings a score into 0 to 1; False where scores are in a unit of their own."""


@runtime_checkable
class SaysWindow(Protocol):
    """A model that can say how much it reads at a time: an encoder of a text, a reranker of query and text together."""

    @property
    def max_length(self) -> int:
        """Tokens, special tokens included."""


@runtime_checkable
class HasWeights(Protocol):
    """A reranker whose weights can be told from others under the same name."""

    def weights_hash(self) -> str:
        """A hash of the weights; "" where there is none to be had."""


@runtime_checkable
class RunsElsewhere(Protocol):
    """A reranker that another machine runs, safe to call from several threads; it may be paid for by the call."""

    @property
    def at_once(self) -> int:
        """How many calls may be under way at a time, at least 1."""


@runtime_checkable
class Declines(Protocol):
    """A reranker that knows queries it should leave alone."""

    def declines(self, query: str) -> str:
        """Why this query's pool is better left in stage one's order; "" when it is not."""


@runtime_checkable
class ScoresProgressively(Protocol):
    """A reranker that scores the pool at an early exit and carries only the better part on."""

    def score_progressively(
        self, query: str, texts: Sequence[str], prior: Sequence[float]
    ) -> tuple[list[float], list[int], list[bool]]:
        """The score of each text at its last exit, how many exits are left for it (0: scored to the end), and cuts.

        `prior` is what stage one adds to each final score; it has a say in which texts go on, and in which are read at
        all. A text that was not read scores 0 and has every exit left.
        """
