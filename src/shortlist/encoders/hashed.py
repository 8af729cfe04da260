"""An encoder without a model: hashed bags of words. For tests and first trials, not for quality."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from shortlist.text.validation import checked_texts

WORD = re.compile(r"\w+")


class HashedEncoder:
    """Each lower-cased word adds 1 to the cell its CRC-32 picks; rows have length 1. Deterministic everywhere."""

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = dimension
        self.name = f"hashed-{dimension}"

    def encode_queries(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """`(len(texts), dimension)` float32 unit rows; a text without words gives a zero row."""
        given = checked_texts(texts)
        out = np.zeros((len(given), self.dimension), dtype=np.float32)
        for row, text in enumerate(given):
            for word in WORD.findall(text.lower()):
                out[row, zlib.crc32(word.encode()) % self.dimension] += 1
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        unit: NDArray[np.float32] = out / np.maximum(lengths, 1e-12)
        return unit

    def encode_passages(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """The same as `encode_queries`."""
        return self.encode_queries(texts)
