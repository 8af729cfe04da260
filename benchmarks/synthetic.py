"""Synthetic passages for benchmarks of size: texts from a Zipf vocabulary, and vectors around the centres of clusters.

The words of a text have the frequencies of Zipf's law, with the exponent 1.07 that is usual for English. A vector is
the centre of a cluster plus noise. Centres and noise have the spectrum of real embeddings: the variance of component i
falls as 1/i, and a random rotation hides the components. Block `n` of a seed is always the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.types import Passage

DIMENSION = 384
WORDS = 60
VOCABULARY = 200_000
EXPONENT = 1.07
CLUSTERS = 4000
NOISE = 0.8
"""The length of the noise, if that of a centre is 1."""
LETTERS = "bacedifoguhajekilomunaperisotuvawexiyozu"
SYLLABLES = [LETTERS[place : place + 2] for place in range(0, len(LETTERS), 2)]

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Query:
    """A query of a few words, and its vector."""

    text: str
    vector: NDArray[np.float32]


class Synthetic:
    """Makes passages and their vectors, block by block."""

    def __init__(self, seed: int = 1) -> None:
        self._seed = seed
        rng = np.random.default_rng([seed, 0])
        self._words = np.array([_word(rank) for rank in range(VOCABULARY)])
        share = np.arange(1, VOCABULARY + 1, dtype=np.float64) ** -EXPONENT
        self._cumulated = np.cumsum(share / share.sum())
        self._rotation = np.linalg.qr(rng.standard_normal((DIMENSION, DIMENSION)))[0].astype(np.float32)
        spectrum = np.arange(1, DIMENSION + 1) ** -0.5
        self._spectrum = (spectrum / np.linalg.norm(spectrum)).astype(np.float32)
        self._centres = self._drawn(rng, CLUSTERS)

    def block(self, number: int, size: int) -> tuple[list[Passage], Vectors]:
        """Return passages with the ids `number * size` and following, and their unit vectors."""
        rng = np.random.default_rng([self._seed, 1, number])
        lengths = rng.integers(WORDS // 2, WORDS * 3 // 2, size)
        words = self._words[self._ranks(rng, int(lengths.sum()))]
        texts = [" ".join(part) for part in np.split(words, np.cumsum(lengths)[:-1])]
        centres = self._centres[rng.integers(0, CLUSTERS, size)]
        passages = [
            Passage(f"p{number * size + place}", text, f"d{number * size + place}", "", 0, len(text))
            for place, text in enumerate(texts)
        ]
        return passages, _unit(centres + NOISE * self._drawn(rng, size))

    def queries(self, count: int) -> list[Query]:
        """Return queries of 3 to 9 words of all frequencies, with vectors near the centres of clusters."""
        rng = np.random.default_rng([self._seed, 2])
        vectors = _unit(self._centres[rng.integers(0, CLUSTERS, count)] + NOISE * self._drawn(rng, count))
        lengths = rng.integers(3, 10, count)
        return [
            Query(" ".join(self._words[self._ranks(rng, length)]), vector)
            for length, vector in zip(lengths, vectors, strict=True)
        ]

    def _ranks(self, rng: np.random.Generator, count: int) -> NDArray[np.intp]:
        return np.minimum(np.searchsorted(self._cumulated, rng.random(count)), VOCABULARY - 1)

    def _drawn(self, rng: np.random.Generator, count: int) -> Vectors:
        """Return vectors with a mean length of about 1."""
        numbers = rng.standard_normal((count, DIMENSION), dtype=np.float32) * self._spectrum
        return (numbers @ self._rotation).astype(np.float32)


def _word(rank: int) -> str:
    """Return a word of at least two syllables. Every rank has its own."""
    syllables = []
    number = rank + len(SYLLABLES)
    while number:
        number, place = divmod(number, len(SYLLABLES))
        syllables.append(SYLLABLES[place])
    return "".join(syllables)


def _unit(rows: Vectors) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
