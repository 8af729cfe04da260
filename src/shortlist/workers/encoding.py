"""The worker that turns texts into vectors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist import registry
from shortlist.errors import ModelError
from shortlist.protocols import CountsTokens
from shortlist.workers.rows import Failed, row_by_row


@dataclass(frozen=True, slots=True)
class Encoded:
    """The value of a unit.

    `vectors` are `(texts, dimension)` float32, in the order of the unit, with NaN for a text without a vector. `cut`
    marks the texts that are longer than the window. `failures`, `made_by` and `seconds` are those of `scoring.Scored`.
    """

    vectors: NDArray[np.float32]
    cut: NDArray[np.bool_]
    failures: list[tuple[int, str]]
    made_by: str
    seconds: float


class TextEncoder:
    """Encodes the texts of a unit, as queries or as passages. The content of a unit alone decides its batches."""

    def __init__(
        self,
        name: str,
        *,
        queries: bool = False,
        precision: str = "auto",
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self._encoder = registry.load_encoder(name, precision=precision, device=device, threads=threads, as_worker=True)
        self._queries = queries
        runtime = getattr(self._encoder, "runtime", None)
        self._made_by = ", ".join(filter(None, (self._encoder.name, getattr(runtime, "shown", ""))))

    def __call__(self, content: list[str]) -> Encoded:
        """Return the vectors of the unit. Raises as `rows.row_by_row`."""
        began = time.perf_counter()
        encoder = self._encoder
        rows = row_by_row(content, self._vectors)
        failures = [(place, row.reason) for place, row in enumerate(rows) if isinstance(row, Failed)]
        missing = np.full(encoder.dimension, np.nan, dtype=np.float32)
        vectors = [missing if isinstance(row, Failed) else row for row in rows]
        shape = (len(rows), encoder.dimension)
        return Encoded(
            np.array(vectors, dtype=np.float32).reshape(shape),
            self._cut(content),
            failures,
            self._made_by,
            time.perf_counter() - began,
        )

    def _vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The vector of each text.

        Raises:
            ModelError: The encoder returned other vectors, NaN or infinity.
        """
        encoder = self._encoder
        vectors = (encoder.encode_queries if self._queries else encoder.encode_passages)(texts)
        rows = np.asarray(vectors, dtype=np.float32)
        if rows.shape != (len(texts), encoder.dimension):
            raise ModelError(f"{encoder.name} returned vectors of the shape {rows.shape} for {len(texts)} texts")
        if not np.isfinite(rows).all():
            raise ModelError(f"{encoder.name} returned NaN or infinity")
        return list(rows)

    def _cut(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        if not isinstance(self._encoder, CountsTokens):
            return np.zeros(len(texts), dtype=np.bool_)
        return np.array(self._encoder.token_counts(texts, query=self._queries)[1], dtype=np.bool_)
