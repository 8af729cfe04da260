"""The codec of stored token states: principal components in four and two bits."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError

FOUR_BITS = 136
"""The components with four bits each, if the file does not state their number. The other components have two bits."""


class StateCodec:
    """Token states to bytes and back. Safe to call from several threads.

    A state is centred and turned into principal components of unit variance. The first components are stored in four
    bits, the other components in two, each as the number of the nearest level. The first component of a byte is in its
    lowest bits. `width` is the length of a state, and `token_bytes` the bytes of a coded state.

    Raises:
        ModelError: The file is missing, or has another form.
    """

    def __init__(self, file: Path) -> None:
        try:
            with np.load(file) as arrays:
                mean = arrays["mean"].astype(np.float32)
                basis, scale = arrays["basis"].astype(np.float32), arrays["scale"].astype(np.float32)
                levels = [arrays[f"levels_{bits}"].astype(np.float32) for bits in (4, 2)]
                self._four = int(arrays["four_bits"]) if "four_bits" in arrays.files else FOUR_BITS
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ModelError(f"{file} has no codec of token states: {error}") from error
        self.width = len(mean)
        sizes = [len(table) for table in levels]
        if basis.shape != (self.width, self.width) or scale.shape != (self.width,) or sizes != [16, 4]:
            raise ModelError(f"{file} has no codec of token states: its arrays have other shapes")
        if not 0 <= self._four <= self.width or self._four % 2 or (self.width - self._four) % 4:
            raise ModelError(f"{file} has no codec of token states: {self._four} components cannot have four bits")
        self.mean, self.back = mean, (basis * scale).T.copy()
        self._forth = basis / scale
        self._ends = [(table[1:] + table[:-1]) / 2 for table in levels]
        self._of_bytes = [_of_bytes(levels[0], 4), _of_bytes(levels[1], 2)]
        self._of_bytes_bf16 = [_bf16(table) for table in self._of_bytes]
        self._split = self._four // 2
        self.token_bytes = self._split + (self.width - self._four) // 4

    def encode(self, states: NDArray[np.float32]) -> bytes:
        """Return `(tokens, width)` states as `tokens * token_bytes` bytes. No tokens give no bytes."""
        components = (states - self.mean) @ self._forth
        four = _nearest(components[:, : self._four], self._ends[0])
        two = _nearest(components[:, self._four :], self._ends[1])
        low = four[:, 0::2] | four[:, 1::2] << 4
        high = two[:, 0::4] | two[:, 1::4] << 2 | two[:, 2::4] << 4 | two[:, 3::4] << 6
        return np.concatenate([low, high], axis=1).tobytes()

    def codes(self, coded: bytes) -> NDArray[np.uint8] | None:
        """Return the bytes of `encode` as `(tokens, token_bytes)`, without a copy.

        None if there are no bytes, or not a whole number of tokens.
        """
        if not coded or len(coded) % self.token_bytes:
            return None
        return np.frombuffer(coded, dtype=np.uint8).reshape(-1, self.token_bytes)

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return `(..., token_bytes)` codes as `(..., width)` states: the components times `back`, plus `mean`."""
        states: NDArray[np.float32] = self.components(codes) @ self.back
        states += self.mean
        return states

    def components(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the `(..., width)` levels of `(..., token_bytes)` codes."""
        components = np.empty((*codes.shape[:-1], self.width), dtype=np.float32)
        self._fill(components, self._of_bytes, codes)
        return components

    def components_bf16(self, codes: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Return the bits of `components` in bf16."""
        components = np.empty((*codes.shape[:-1], self.width), dtype=np.uint16)
        self._fill(components, self._of_bytes_bf16, codes)
        return components

    def _fill(self, components: NDArray[Any], tables: Sequence[NDArray[Any]], codes: NDArray[np.uint8]) -> None:
        """Look up each byte as a whole: the levels of a byte are copied as one item."""
        parts = (components[..., : self._four], components[..., self._four :])
        halves = (codes[..., : self._split], codes[..., self._split :])
        for part, table, half in zip(parts, tables, halves, strict=True):
            item = f"V{table.shape[1] * table.itemsize}"
            part.view(item)[...] = table.view(item)[:, 0][half]


def _nearest(components: NDArray[np.float32], ends: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The number of the nearest level of each component. Few comparisons of whole arrays are faster than a search."""
    nearest = np.zeros(components.shape, dtype=np.uint8)
    for end in ends:
        nearest += components > end
    return nearest


def _bf16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The bits of the values in bf16, rounded to the nearest."""
    return ((values.view(np.uint32) + np.uint32(0x8000)) >> np.uint32(16)).astype(np.uint16)


def _of_bytes(levels: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """The levels in each byte, `(256, 8 / bits)`, lowest bits first."""
    shifts = np.arange(0, 8, bits)
    table: NDArray[np.float32] = levels[(np.arange(256)[:, None] >> shifts) & ((1 << bits) - 1)]
    return table
