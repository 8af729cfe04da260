"""The interfaces of the parts: encoder, index, retriever, reranker, and what is optional."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shortlist.types import Hit, Note, Passage, RerankerInfo, Scores, Where


class Encoder(Protocol):
    """Text to vectors. `name` identifies the model and its weights; an index stores it."""

    @property
    def name(self) -> str:
        """The model's id, and everything else that changes its vectors."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return `(len(texts), dimension)` float32 unit rows. No texts give `(0, dimension)`."""

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `encode_queries`, with the model's prompt for passages."""


@runtime_checkable
class CountsTokens(Protocol):
    """An encoder that reports how much of each text it reads."""

    @property
    def window(self) -> int:
        """Tokens that it reads of a text, special tokens included."""

    def token_counts(self, texts: Sequence[str], *, query: bool = False) -> tuple[list[int], list[bool]]:
        """Return the tokens that it reads of each text, prompt and special tokens included, and which texts it cuts."""


class Searched(Protocol):
    """What stage one needs of an index or a store: passages by vector and by words."""

    def nearest(self, vector: NDArray[np.float32], k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        """Return at most `k` passages by cosine to `vector`, highest first, and equal scores by id.

        `search.pool.Matches` also has notes, which the answer shows.
        """

    def matching(self, text: str, k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        """Return at most `k` passages by BM25 for `text`, highest first, and equal scores by id.

        Each passage shares at least one term with the text.
        """

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> list[float]:
        """Return the cosine of each of these passages to `vector`, in the order given. Every id must exist."""


@runtime_checkable
class SearchesBoth(Protocol):
    """An index or a store that searches by vector and by words in one request."""

    def both(
        self, vector: NDArray[np.float32], text: str, k: int, where: Where | None = None
    ) -> tuple[list[tuple[Passage, float]], list[tuple[Passage, float]]]:
        """Return what `nearest` and `matching` return."""


@runtime_checkable
class MatchesTerms(Protocol):
    """An index that searches by BM25 for weighted terms, which RM3 needs."""

    def terms_of(self, text: str) -> dict[str, float]:
        """Return the terms of a text with their weights, without stop words, as a search for the text weights them."""

    def matching_terms(
        self, terms: Mapping[str, float], k: int, where: Where | None = None
    ) -> list[tuple[Passage, float]]:
        """As `Searched.matching`, for weighted terms."""


@runtime_checkable
class ReportsExactness(Protocol):
    """An index or a store that knows whether `nearest` may miss passages. An index without this attribute is exact."""

    @property
    def exact(self) -> bool:
        """Whether `nearest` compares the vector with every passage."""


@runtime_checkable
class ReportsCosines(Protocol):
    """An index or a store that knows the unit of its vector scores. One without this attribute gives cosines."""

    @property
    def gives_cosines(self) -> bool:
        """Whether the scores of `nearest` are cosines, which fitted weights expect."""


class Index(Searched, Protocol):
    """An engine that holds passages and searches them by vector and by words.

    The terms of BM25 are those of `shortlist.text.terms.bm25.Bm25` in every engine.
    """

    language: str
    """The language of BM25's terms. An engine starts with English. It is set again when an index is opened, and before
    the first passage is added."""

    def add(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        """Store the passages with their `(n, dimension)` vectors. A passage replaces an earlier one with its id."""

    def delete(self, ids: Iterable[str]) -> None:
        """Remove the passages with these ids. Unknown ids are ignored."""

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages with these ids, in the order given, without the unknown ones."""

    def passages(self) -> Iterator[Passage]:
        """Yield every passage, in no fixed order."""

    def flush(self) -> None:
        """Write every change to disk. After it, a kill loses nothing."""

    def close(self) -> None:
        """Flush and release everything. A second call does nothing."""

    def __len__(self) -> int:
        """The number of passages."""


@runtime_checkable
class ReturnsVectors(Protocol):
    """An index or a store that returns its vectors."""

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the `(len(ids), dimension)` stored vectors, in the order given. Every id must exist."""


@runtime_checkable
class ListsFields(Protocol):
    """An index that knows the names of all metadata without reading its passages."""

    def fields(self) -> set[str]:
        """Return the names of all metadata."""


@runtime_checkable
class KeepsLength(Protocol):
    """An index whose BM25 has a fixed mean passage length, which a copy of the index needs for the same scores."""

    average_length: float
    """In terms; 0.0 before the first passage."""


class Retriever(Protocol):
    """Stage one: a query to a ranked pool."""

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """Return at most `k` hits, best first. No match gives no hits.

        `Hit.of` makes a hit. The search numbers the hits in their order. `search.pool.Retrieved` also has notes, which
        the answer shows.
        """


@runtime_checkable
class KeepsPrefix(Protocol):
    """A retriever whose shorter answers are the start of its longer ones, up to a depth."""

    @property
    def prefix_depth(self) -> int:
        """For any two k up to this depth, the shorter answer is the start of the longer one."""


@runtime_checkable
class ScoresPassages(Protocol):
    """A retriever that knows the score by which it orders any passage, also below the pool."""

    @property
    def score_name(self) -> str | None:
        """The name of the score, such as "BM25". None: the order has no score of its own."""

    def scores_of(self, query: str, ids: Sequence[str], k: int) -> list[float]:
        """Return the score of each of these passages in a search for `k` hits. Every id must exist."""


@runtime_checkable
class Fuses(Protocol):
    """A retriever that fuses two ranked lists under a weight, and can answer for several weights at once."""

    fusion: float
    """The weight of the vectors in the fused order, 0 to 1."""

    def retrieve_at(self, fusions: Sequence[float], query: str, k: int, where: Where | None = None) -> list[list[Hit]]:
        """Return the answer of `retrieve` under each of these weights. Each list is read once for all of them."""


@runtime_checkable
class ExpandsByFeedback(Protocol):
    """A retriever that can expand the query of its BM25 by RM3."""

    def with_feedback(self) -> Retriever:
        """Return this retriever with RM3. Raises InvalidInput if its index or store accepts no weighted terms."""


class Scorer(Protocol):
    """What a reranker of your own needs."""

    def score(self, query: str, texts: Sequence[str]) -> Iterable[float]:
        """Return one finite float for each text: see `Reranker.score`."""


class Reranker(Protocol):
    """Stage two: how well each text answers the query.

    `info` may be missing in a reranker of your own: see `shortlist.search.scores.info_of`.
    """

    @property
    def info(self) -> RerankerInfo:
        """What the reranker is."""

    def score(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return one finite float for each text, in the order given; higher is better.

        `Scores` also reports which texts were cut. No texts give no scores.
        """


@runtime_checkable
class ScoresProgressively(Protocol):
    """A reranker that scores the pool at early exits and continues with the better part."""

    def score_progressively(self, query: str, texts: Sequence[str], prior: Sequence[float]) -> Scores:
        """Return each text's score at its last exit, with `exits_left` for each.

        `prior` is what stage one adds to each final score. It counts in the choice of the texts that continue.
        """


@runtime_checkable
class SkipsQueries(Protocol):
    """A reranker that knows the queries that it is not made for."""

    def skip_reason(self, query: str) -> Note | None:
        """Return a note "rerank_skipped" if stage one's order is better for this query, or None."""


@runtime_checkable
class ReportsUsage(Protocol):
    """A reranker whose calls cost tokens."""

    def usage_notes(self) -> Sequence[Note]:
        """Return notes about all calls so far; no calls give no notes."""


@runtime_checkable
class HasWeights(Protocol):
    """A reranker that distinguishes its weights from other weights with the same name."""

    def weights_hash(self) -> str:
        """Return a hash of the weights, or an empty string if there is none."""


@runtime_checkable
class KeepsStates(Protocol):
    """A reranker that can compute its part of a passage once, and score from it."""

    @property
    def keeps_states(self) -> bool:
        """Whether the model's files allow it. The methods raise InvalidInput if not."""

    def states_of(self, texts: Sequence[str]) -> list[bytes]:
        """Return the coded states of each text; no bytes, `b""`, for a text that is always scored from the text."""

    def states_hash(self) -> str:
        """Return a hash of everything that stored states depend on besides the text."""

    def with_states(self, lookup: Callable[[Sequence[str]], Sequence[bytes | None]]) -> Reranker:
        """Return this reranker with stored states: `lookup` returns those of each text, or None without any."""


class Fits(Protocol):
    """The rules that `calibrate` stored for one way to search. `shortlist.collection.fits` reads them from a folder."""

    def stop_rule(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[object | None, list[Note]]:
        """Return the stored `StopRule` for these weights and this query expansion, or None, and notes about it."""

    def gate(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[object | None, list[Note]]:
        """Return the stored `Gate` for these weights and this query expansion, or None, and notes about it."""

    def calibration(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[object, list[Note]]:
        """Return the stored `Calibration` for these weights and this query expansion, and notes about it."""
