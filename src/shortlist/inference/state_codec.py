"""The codec of stored token states: principal components in four and two bits."""

from __future__ import annotations

import zipfile
from pathlib import Path

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
                self._mean = arrays["mean"].astype(np.float32)
                basis, scale = arrays["basis"].astype(np.float32), arrays["scale"].astype(np.float32)
                levels = [arrays[f"levels_{bits}"].astype(np.float32) for bits in (4, 2)]
                self._four = int(arrays["four_bits"]) if "four_bits" in arrays.files else FOUR_BITS
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ModelError(f"{file} has no codec of token states: {error}") from error
        self.width = len(self._mean)
        sizes = [len(table) for table in levels]
        if basis.shape != (self.width, self.width) or scale.shape != (self.width,) or sizes != [16, 4]:
            raise ModelError(f"{file} has no codec of token states: its arrays have other shapes")
        if not 0 <= self._four <= self.width or self._four % 2 or (self.width - self._four) % 4:
            raise ModelError(f"{file} has no codec of token states: {self._four} components cannot have four bits")
        self._forth, self._back = basis / scale, (basis * scale).T.copy()
        self._ends = [(table[1:] + table[:-1]) / 2 for table in levels]
        self._of_bytes = [_of_bytes(levels[0], 4), _of_bytes(levels[1], 2)]
        self._split = self._four // 2
        self.token_bytes = self._split + (self.width - self._four) // 4

    def encode(self, states: NDArray[np.float32]) -> bytes:
        """Return `(tokens, width)` states as `tokens * token_bytes` bytes. No tokens give no bytes."""
        components = (states - self._mean) @ self._forth
        four = np.searchsorted(self._ends[0], components[:, : self._four]).astype(np.uint8)
        two = np.searchsorted(self._ends[1], components[:, self._four :]).astype(np.uint8)
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
        """Return `(tokens, token_bytes)` codes as `(tokens, width)` states."""
        components = np.empty((len(codes), self.width), dtype=np.float32)
        for table, part, place in (
            (self._of_bytes[0], codes[:, : self._split], slice(None, self._four)),
            (self._of_bytes[1], codes[:, self._split :], slice(self._four, None)),
        ):
            components[:, place] = table[part].reshape(len(codes), part.shape[1] * table.shape[1])
        states: NDArray[np.float32] = components @ self._back
        states += self._mean
        return states


def _of_bytes(levels: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """The levels in each byte, `(256, 8 / bits)`, lowest bits first."""
    shifts = np.arange(0, 8, bits)
    table: NDArray[np.float32] = levels[(np.arange(256)[:, None] >> shifts) & ((1 << bits) - 1)]
    return table
