"""`OpenStore`: a backend with every check. Satisfies `stores.store.Store`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from shortlist.errors import InvalidInput
from shortlist.reprs import short_repr
from shortlist.search.foreign.rows import id_of
from shortlist.search.listing import LeftOut, distinct
from shortlist.search.pool import Matches
from shortlist.stores.fields import Fields
from shortlist.stores.filters import Condition, answerable, conditions
from shortlist.stores.metrics import Metric, are_unit
from shortlist.stores.rows import matches, passage_of
from shortlist.stores.store import Backend, Facts, NotesFilters, Row, RunsBoth, Vector
from shortlist.types import Note, Passage, Where

SAMPLES = 20
"""The rows that are read to see whether vectors have length 1, and to find a passage for `sample`."""
COPIES = 4
"""The most rows with one id that are expected."""
WORD = re.compile(r"\w")


class OpenStore:
    """A collection of passages in a store. Its methods may be called from several threads.

    Every method raises StoreUnreachable if the store does not answer, and StoreRefused if the store refuses the key or
    the request.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend, self._facts = backend, backend.facts
        self._metric: Metric | None = None
        self._open = True

    def __repr__(self) -> str:
        return short_repr(self, self.name, {"vectors": self.has_vectors, "words": self.has_words})

    @property
    def name(self) -> str:
        """The name of the store, without secrets."""
        return self._facts.name

    @property
    def has_vectors(self) -> bool:
        """Whether the collection has vectors."""
        return self._facts.metric is not None

    @property
    def has_words(self) -> bool:
        """Whether the collection can be searched by words."""
        return self._facts.words

    @property
    def filters(self) -> bool:
        """Whether the store can filter."""
        return self._facts.filters

    @property
    def facts(self) -> Facts:
        """What the backend knows of the collection."""
        return self._facts

    @property
    def exact(self) -> bool:
        """Whether `nearest` compares the vector with every passage."""
        return self._facts.exact

    @property
    def gives_cosines(self) -> bool:
        """Whether the scores of `nearest` are cosines, and not inner products or distances of any vectors."""
        return not self.has_vectors or self._unit().is_cosine

    @property
    def dimension(self) -> int | None:
        """The length of a stored vector; None if it is unknown, or without vectors."""
        return self._facts.dimension

    @property
    def lossy(self) -> bool:
        """Whether the stored vectors are rounded so much that they differ visibly from the true vectors."""
        return self._facts.lossy

    def nearest(self, vector: Vector, k: int, where: Where | None = None) -> Matches:
        """Return at most `k` passages by their cosine to `vector`, highest first, and equal scores by id.

        If the store compares vectors of other lengths than 1 by inner product, the score is the inner product. If the
        store compares such vectors by distance, the score is minus the squared distance.

        Raises:
            InvalidInput: No vectors, a vector of another length or with NaN, `k` below 1 or above the limit of the
                store, a filter that cannot be used, or a row that is no passage.
        """
        self._check_vector(vector)
        k, terms = self._checked_k(k), self._conditions(where)
        return self._nearest(self._backend.nearest(vector, k, terms), vector, k, terms)

    def matching(self, text: str, k: int, where: Where | None = None) -> Matches:
        """Return at most `k` passages by the store's own score for `text`, highest first, and equal scores by id.

        A text without words gives no passages.

        Raises:
            InvalidInput: As `nearest`, or the collection cannot be searched by words.
        """
        self._check_words()
        k, terms = self._checked_k(k), self._conditions(where)
        return self._matching(self._backend.matching(text, k, terms), k, terms) if WORD.search(text) else Matches()

    def both(self, vector: Vector, text: str, k: int, where: Where | None = None) -> tuple[Matches, Matches]:
        """Return what `nearest` and `matching` return, in one request if the store allows it. Raises as they do."""
        if not isinstance(self._backend, RunsBoth) or not WORD.search(text):
            return self.nearest(vector, k, where), self.matching(text, k, where)
        self._check_vector(vector)
        self._check_words()
        k, terms = self._checked_k(k), self._conditions(where)
        near, words = self._backend.both(vector, text, k, terms)
        by_words = list(words)
        return (
            self._nearest(near, vector, k, terms),
            self._matching(by_words, k, terms, self._cosines(by_words, vector)),
        )

    def similarities(self, vector: Vector, ids: Sequence[str]) -> list[float]:
        """Return the score of each of these passages, in the unit of `nearest`. No ids give an empty list.

        Raises:
            InvalidInput: As `nearest`, or the store has no vector for one of the ids.
        """
        if not ids:
            return []
        self._check_vector(vector)
        return self._unit().scores(vector, self.vectors(ids))

    @property
    def word_score(self) -> str:
        """The name of the score of `matching`."""
        return self._facts.word_score

    @property
    def scores_ids(self) -> bool:
        """Whether `word_scores` works: a filter can name rows by their ids, and does not change their scores."""
        facts = self._facts
        return facts.words and facts.filters and facts.keeps_word_scores and bool(facts.fields.id or facts.key)

    def word_scores(self, text: str, ids: Sequence[str]) -> list[float]:
        """Return the score of `matching` for each of these passages, and 0 for a passage without a word of the text.

        Raises:
            InvalidInput: The collection cannot be searched by words.
        """
        self._check_words()
        name = self._facts.fields.id or self._facts.key
        terms = conditions({name: list(ids)}, Fields("")) if ids else []
        rows = self._backend.matching(text, COPIES * len(ids), terms) if ids and WORD.search(text) else []
        scores = {passage.id: score for passage, score in self._matching(rows, COPIES * len(ids), terms)}
        return [scores.get(key, 0.0) for key in ids]

    def vectors(self, ids: Sequence[str]) -> Vector:
        """Return the `(len(ids), dimension)` stored vectors, in the order given. No ids give no rows.

        Raises:
            InvalidInput: No vectors, or the store has no vector for one of the ids.
        """
        self._check_vectors()
        stored = self._backend.vectors(list(dict.fromkeys(ids))) if ids else {}
        unknown = next((key for key in ids if key not in stored), None)
        if unknown is not None:
            raise InvalidInput(f"{self.name} has no vector for the passage {unknown!r}")
        rows = np.array([stored[key] for key in ids], dtype=np.float32)
        return rows.reshape(len(ids), -1 if ids else self.dimension or 0)

    def sample(self) -> tuple[Passage, Vector] | None:
        """Return one passage with its vector; None for an empty collection.

        Raises:
            InvalidInput: No vectors, or none of the first rows is a passage.
        """
        self._check_vectors()
        failure: InvalidInput | None = None
        for row, vector in self._backend.samples(SAMPLES):
            try:
                return passage_of(row, self._facts.fields, self.name), np.asarray(vector, dtype=np.float32)
            except InvalidInput as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return None

    def passages(self, left_out: LeftOut | None = None) -> Iterator[Passage] | None:
        """Return every passage, in no fixed order; None if the store cannot list them.

        Of several rows with one id, the first is used.

        Args:
            left_out: Is called with a note for each row that is left out: its id is repeated, or it is no passage.

        Raises:
            InvalidInput: Without `left_out`, the iterator comes to a row that is no passage.
        """
        rows = self._backend.rows()
        return None if rows is None else distinct(self._read(rows, left_out), left_out)

    def close(self) -> None:
        """Release the connection. A second call does nothing."""
        if self._open:
            self._open = False
            self._backend.close()

    def __len__(self) -> int:
        return len(self._backend)

    def _read(self, rows: Iterable[Row], left_out: LeftOut | None) -> Iterator[Passage]:
        for row in rows:
            try:
                passage = passage_of(row, self._facts.fields, self.name)
            except InvalidInput as error:
                if left_out is None:
                    raise
                left_out(Note("unusable_row", error=str(error).removeprefix(f"{self.name}: ")))
            else:
                yield passage

    def _nearest(self, rows: Iterable[Row], vector: Vector, k: int, terms: Sequence[Condition]) -> Matches:
        metric, length = self._unit(), float(np.linalg.norm(vector))
        scored = ((row, metric.score(row.score, length)) for row in rows)
        passages = matches(scored, k, self._facts.fields, self.name)
        return Matches(passages, [*passages.notes, *self._filter_notes(terms)])

    def _matching(
        self, rows: Iterable[Row], k: int, terms: Sequence[Condition], cosines: Mapping[str, float] | None = None
    ) -> Matches:
        passages = matches(((row, row.score) for row in rows), k, self._facts.fields, self.name)
        return Matches(passages, [*passages.notes, *self._filter_notes(terms)], cosines)

    def _filter_notes(self, terms: Sequence[Condition]) -> list[Note]:
        return self._backend.filter_notes(terms) if terms and isinstance(self._backend, NotesFilters) else []

    def _cosines(self, rows: Iterable[Row], vector: Vector) -> dict[str, float]:
        """Return the scores of `similarities` for rows of words that have a score of the vector query."""
        metric, length, key = self._unit(), float(np.linalg.norm(vector)), self._facts.fields.id
        scores: dict[str, float] = {}
        for row in rows:
            if row.near is not None:
                name = id_of(row.record.get(key) if key else row.id, f"{self.name}: a row")
                scores.setdefault(name, metric.score(row.near, length))
        return scores

    def _unit(self) -> Metric:
        """The metric, with what the first vectors show about their length."""
        if self._metric is None:
            name = self._facts.metric
            assert name is not None
            samples = [] if name == "cosine" else self._backend.samples(SAMPLES)
            self._metric = Metric(name, are_unit(np.asarray(vector, dtype=np.float32) for _, vector in samples))
        return self._metric

    def _conditions(self, where: Where | None) -> list[Condition]:
        if where and not self.filters:
            raise InvalidInput(f"{self.name} cannot filter: search without a filter", field="where")
        return answerable(self.name, conditions(where, self._facts.fields), self._facts.operators)

    def _checked_k(self, k: int) -> int:
        most = self._facts.largest_k
        if k < 1 or (most is not None and k > most):
            limit = "at least 1" if k < 1 else f"at most {most} in {self.name}"
            raise InvalidInput(f"k must be {limit}, not {k}")
        return k

    def _check_vectors(self) -> None:
        if not self.has_vectors:
            raise InvalidInput(f"{self.name} has no vectors: search it by words")

    def _check_vector(self, vector: Vector) -> None:
        self._check_vectors()
        size = self.dimension or len(vector)
        if vector.shape != (size,) or not np.isfinite(vector).all():
            raise InvalidInput(
                f"the query vector must be {size} finite numbers, as {self.name} stores them, not {vector.shape}: name "
                "the bi-encoder that made the collection",
                field="bi_encoder",
            )

    def _check_words(self) -> None:
        if not self.has_words:
            raise InvalidInput(
                f"{self.name} cannot be searched by words: it has no full-text index. --words (words=True) adds BM25"
            )
