"""The score of a vector query as a cosine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

MetricName: TypeAlias = Literal["cosine", "dot", "l2"]

UNIT_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Metric:
    """The unit of a store's scores, and whether the stored vectors have length 1.

    With unit vectors, each metric gives the cosine. Without them, an inner product stays what it is, and a squared
    distance becomes negative, so that higher is better.
    """

    name: MetricName
    unit: bool = False

    @property
    def is_cosine(self) -> bool:
        """Whether the metric gives cosines."""
        return self.name == "cosine" or self.unit

    def score(self, raw: float, length: float) -> float:
        """Return the score for `raw`, the store's own number. `length` is the length of the query's vector."""
        if self.name == "cosine":
            return raw
        if not self.unit:
            return raw if self.name == "dot" else -raw
        product = raw if self.name == "dot" else (length * length + 1 - raw) / 2
        return product / length if length else 0.0

    def scores(self, vector: NDArray[np.float32], rows: NDArray[np.float32]) -> list[float]:
        """Return the score of each row, in the same unit as `score`."""
        if self.is_cosine:
            return cosines(vector, rows)
        raw = raw_scores(self.name, vector, rows)
        return raw if self.name == "dot" else [-distance for distance in raw]


def raw_scores(name: MetricName, vector: NDArray[np.float32], rows: NDArray[np.float32]) -> list[float]:
    """Return the number of `Metric.score` for each row: a cosine, an inner product, or a squared distance."""
    if name == "l2":
        return [float(distance) for distance in ((rows - vector) ** 2).sum(axis=1)]
    return [float(product) for product in rows @ vector] if name == "dot" else cosines(vector, rows)


def cosines(vector: NDArray[np.float32], rows: NDArray[np.float32]) -> list[float]:
    """Return the cosine of each row to the vector; 0 for a zero vector."""
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
    products = rows @ vector
    return [float(product / length) if length else 0.0 for product, length in zip(products, lengths, strict=True)]


def are_unit(vectors: Iterable[NDArray[np.float32]]) -> bool:
    """Return whether each vector has length 1. No vectors are unit vectors."""
    return all(abs(float(np.linalg.norm(vector)) - 1) <= UNIT_TOLERANCE for vector in vectors)
