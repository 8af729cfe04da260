"""An encoder without a model: hashed bags of words. For tests and first trials, not for quality."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.reprs import short_repr
from shortlist.text.validation import model_texts

WORD = re.compile(r"\w+")


class HashedEncoder:
    """An encoder in which each lower-cased word adds 1 to the cell of its CRC-32. Satisfies `protocols.Encoder`.

    Rows have length 1. The same text gives the same row on every machine.

    Raises:
        InvalidInput: `dimension` is below 1.
    """

    def __init__(self, dimension: int = 64) -> None:
        if dimension < 1:
            raise InvalidInput(f"a hashed encoder needs a dimension of at least 1, not {dimension}")
        self.dimension = dimension
        self.name = f"hashed-{dimension}"

    def __repr__(self) -> str:
        return short_repr(self, self.name, {"dimension": self.dimension})

    def encode_queries(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return `(len(texts), dimension)` float32 unit rows. A text without words gives a zero row."""
        given = model_texts(texts)
        rows = np.zeros((len(given), self.dimension), dtype=np.float32)
        for row, text in enumerate(given):
            for word in WORD.findall(text.lower()):
                rows[row, zlib.crc32(word.encode()) % self.dimension] += 1
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        unit: NDArray[np.float32] = rows / np.maximum(lengths, 1e-12)
        return unit

    def encode_passages(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return the same rows as `encode_queries`."""
        return self.encode_queries(texts)
