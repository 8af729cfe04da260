"""The negation probe. It tests whether each stage reacts to the word that reverses a query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.metrics.statistics import Estimate, Paired, paired, proportion
from shortlist.evaluation.query_sets.files.contrasts import Contrast, Contrasts
from shortlist.protocols import Encoder, Reranker
from shortlist.search.scores import info_of, score_texts

Answer: TypeAlias = Literal["right", "one passage for both", "the wrong way round"]

ANSWERS: tuple[Answer, ...] = ("right", "one passage for both", "the wrong way round")
"""right: every query prefers its own passage.
one passage for both: both queries prefer the same passage, or two scores are equal.
the wrong way round: every query prefers the passage of the other query.
"""
ROWS = 256


@dataclass(frozen=True, slots=True)
class PairResult:
    """The answers of both stages to one contrast. `truncated` is True if the reranker cut a passage."""

    id: str
    kind: str
    retrieval: Answer
    rerank: Answer
    truncated: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """The answers of both stages to a set of contrasts, in the order of the set.

    `note` is the assumption that was made to read the set. `chance` is the accuracy of a random choice.
    """

    contrasts: str
    note: str
    chance: float
    bi_encoder: str
    reranker: str
    pairs: tuple[PairResult, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds in the set, in order of first appearance."""
        return tuple(dict.fromkeys(pair.kind for pair in self.pairs))

    def answers(self, stage: Literal["retrieval", "rerank"], kind: str | None = None) -> list[Answer]:
        """Return the answers of a stage, for one kind of contrast or for all kinds."""
        pairs = [pair for pair in self.pairs if kind is None or pair.kind == kind]
        return [pair.retrieval if stage == "retrieval" else pair.rerank for pair in pairs]

    def accuracy(self, stage: Literal["retrieval", "rerank"], kind: str | None = None) -> Estimate:
        """Return the share of right answers of a stage, with its 95 % interval."""
        answers = self.answers(stage, kind)
        return proportion(answers.count("right"), len(answers))

    @property
    def gain(self) -> Paired | None:
        """The difference of the reranker and the bi-encoder, pair by pair. None for a single pair."""
        if len(self.pairs) < 2:
            return None
        rerank, retrieval = (
            [float(answer == "right") for answer in self.answers(stage)] for stage in ("rerank", "retrieval")
        )
        return paired(rerank, retrieval)

    @property
    def truncated(self) -> int:
        """The number of contrasts with a passage that the reranker cut."""
        return sum(pair.truncated for pair in self.pairs)


def probe(
    contrasts: Contrasts, encoder: Encoder, reranker: Reranker, progress: Callable[[int, int], None] | None = None
) -> Probe:
    """Test for each query of each contrast which of the two passages each stage scores higher.

    Stage one is the cosine of the bi-encoder. Two equal scores prefer no passage, so the contrast is not right.
    `progress` receives the number of finished contrasts, and the number of all contrasts.

    Raises:
        InvalidInput: A query leaves no room in the reranker's window.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    pairs = contrasts.pairs
    queries = encode_unique(encoder.encode_queries, [query for pair in pairs for query in pair.queries])
    passages = encode_unique(encoder.encode_passages, [text for pair in pairs for text in pair.passages])
    results, done = [], 0
    for place, pair in enumerate(pairs):
        rows = queries[done : done + len(pair.queries)]
        done += len(pair.queries)
        cosines = rows @ passages[2 * place : 2 * place + 2].T
        scores = [score_texts(reranker, query, pair.passages) for query in pair.queries]
        truncated = any(any(row.truncated) for row in scores)
        results.append(PairResult(pair.id, pair.kind, answer(cosines.tolist()), answer(scores), truncated))
        if progress is not None:
            progress(place + 1, len(pairs))
    chance = float(np.mean([pair.chance for pair in pairs]))
    return Probe(contrasts.name, contrasts.note, chance, encoder.name, info_of(reranker).name, tuple(results))


def answer(scores: Sequence[Sequence[float]]) -> Answer:
    """Return the answer from the scores of both passages for one or two queries. Query i must prefer passage i."""
    leads = [row[place] - row[1 - place] for place, row in enumerate(scores)]
    if all(lead > 0 for lead in leads):
        return "right"
    return "the wrong way round" if all(lead < 0 for lead in leads) else "one passage for both"


def encode_unique(encode: Callable[[Sequence[str]], NDArray[np.float32]], texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one vector for each text. Equal texts are encoded once, a few hundred texts at a time."""
    unique = list(dict.fromkeys(texts))
    rows = np.concatenate([encode(unique[start : start + ROWS]) for start in range(0, len(unique), ROWS)])
    places = {text: place for place, text in enumerate(unique)}
    vectors: NDArray[np.float32] = rows[[places[text] for text in texts]]
    return vectors


def nearest_others(encoder: Encoder) -> Callable[[Sequence[str], Sequence[int]], list[int]]:
    """Return a function of texts and places.

    For each place, it returns the place of the other text with the best cosine.
    """

    def nearest(texts: Sequence[str], places: Sequence[int]) -> list[int]:
        rows = encode_unique(encoder.encode_passages, texts)
        others = []
        for place in places:
            cosines = rows @ rows[place]
            cosines[[other for other, text in enumerate(texts) if text == texts[place]]] = -np.inf
            others.append(int(np.argmax(cosines)))
        return others

    return nearest


__all__ = ["ANSWERS", "Answer", "Contrast", "PairResult", "Probe", "answer", "nearest_others", "probe"]
