"""The negation probe: whether each stage feels the word that turns a query round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.metrics.statistics import Estimate, Paired, paired, proportion
from shortlist.evaluation.query_sets.files.contrasts import Contrast, Contrasts
from shortlist.protocols import Encoder, Reranker
from shortlist.search.pipeline import score_texts

Answer: TypeAlias = Literal["right", "one passage for both", "the wrong way round"]

ANSWERS: tuple[Answer, ...] = ("right", "one passage for both", "the wrong way round")
"""right: every query prefers its own passage.
one passage for both: two queries, one answer; the words that tell them apart were not felt (a tie counts here too).
the wrong way round: every query prefers the other one's passage.
"""
ROWS = 256


@dataclass(frozen=True, slots=True)
class Verdict:
    """One contrast, answered by both stages. `truncated` is True where the reranker had to cut a passage."""

    id: str
    kind: str
    retrieval: Answer
    rerank: Answer
    truncated: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """Both stages on a set of contrasts, in the set's order. `chance` is the accuracy of guessing."""

    contrasts: str
    note: str
    chance: float
    bi_encoder: str
    cross_encoder: str
    verdicts: tuple[Verdict, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds in the set, in order of first appearance."""
        return tuple(dict.fromkeys(one.kind for one in self.verdicts))

    def answers(self, stage: Literal["retrieval", "rerank"], kind: str | None = None) -> list[Answer]:
        """What a stage answered, of one kind or of all."""
        held = [one for one in self.verdicts if kind is None or one.kind == kind]
        return [one.retrieval if stage == "retrieval" else one.rerank for one in held]

    def accuracy(self, stage: Literal["retrieval", "rerank"], kind: str | None = None) -> Estimate:
        """The share of contrasts that a stage gets right, with its 95 % interval."""
        found = self.answers(stage, kind)
        return proportion(found.count("right"), len(found))

    @property
    def gain(self) -> Paired | None:
        """The cross-encoder minus the bi-encoder, pair by pair; None for a single pair."""
        if len(self.verdicts) < 2:
            return None
        these, those = ([float(one == "right") for one in self.answers(stage)] for stage in ("rerank", "retrieval"))
        return paired(these, those)

    @property
    def truncated(self) -> int:
        """How many contrasts hold a passage that the reranker had to cut."""
        return sum(one.truncated for one in self.verdicts)


def probe(
    contrasts: Contrasts, encoder: Encoder, reranker: Reranker, progress: Callable[[int, int], None] | None = None
) -> Probe:
    """Both stages asked each query of each contrast: which of the two passages scores higher.

    Stage one is the cosine of the bi-encoder. Two equal scores prefer neither, so that contrast is not right.
    `progress` is told how many contrasts of how many the reranker has read.

    Raises:
        InvalidInput: A query that leaves no room in the reranker's window.
        BadScores: The reranker returned NaN, infinity or a wrong count.
    """
    pairs = contrasts.pairs
    queries = encoder_rows(encoder.encode_queries, [query for one in pairs for query in one.queries])
    passages = encoder_rows(encoder.encode_passages, [text for one in pairs for text in one.passages])
    verdicts, asked = [], 0
    for place, one in enumerate(pairs):
        rows = queries[asked : asked + len(one.queries)]
        asked += len(one.queries)
        cosines = rows @ passages[2 * place : 2 * place + 2].T
        scored = [score_texts(reranker, query, one.passages) for query in one.queries]
        cut = any(any(flags) for _, flags in scored)
        verdicts.append(Verdict(one.id, one.kind, answer(cosines.tolist()), answer([s for s, _ in scored]), cut))
        if progress is not None:
            progress(place + 1, len(pairs))
    chance = float(np.mean([one.chance for one in pairs]))
    return Probe(contrasts.name, contrasts.note, chance, encoder.name, reranker.name, tuple(verdicts))


def answer(scores: Sequence[Sequence[float]]) -> Answer:
    """One or two queries' scores for both passages, as an answer; query i has to prefer passage i."""
    leads = [row[place] - row[1 - place] for place, row in enumerate(scores)]
    if all(lead > 0 for lead in leads):
        return "right"
    return "the wrong way round" if all(lead < 0 for lead in leads) else "one passage for both"


def encoder_rows(encode: Callable[[Sequence[str]], NDArray[np.float32]], texts: Sequence[str]) -> NDArray[np.float32]:
    """The vectors of many texts, encoded a few hundred at a time; each different text once."""
    single = list(dict.fromkeys(texts))
    rows = np.concatenate([encode(single[start : start + ROWS]) for start in range(0, len(single), ROWS)])
    places = {text: place for place, text in enumerate(single)}
    found: NDArray[np.float32] = rows[[places[text] for text in texts]]
    return found


def nearest_others(encoder: Encoder) -> Callable[[Sequence[str], Sequence[int]], list[int]]:
    """A function from texts and places in them to the place of the most similar other text, by cosine."""

    def nearest(texts: Sequence[str], places: Sequence[int]) -> list[int]:
        rows = encoder_rows(encoder.encode_passages, texts)
        found = []
        for place in places:
            cosines = rows @ rows[place]
            cosines[[other for other, text in enumerate(texts) if text == texts[place]]] = -np.inf
            found.append(int(np.argmax(cosines)))
        return found

    return nearest


__all__ = ["ANSWERS", "Answer", "Contrast", "Probe", "Verdict", "answer", "nearest_others", "probe"]
