"""The forms in which a vector can be sent."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


def floats(vector: Vector) -> list[float]:
    """Return the numbers."""
    return [float(value) for value in vector.tolist()]


def base64_floats(vector: Vector) -> str:
    """Return the numbers as little-endian float32 in base64."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def ubinary(vector: Vector) -> list[int]:
    """Return one bit for each number, 1 if it is above 0, in bytes of 0 to 255. The first number is the highest bit."""
    return [int(byte) for byte in np.packbits(vector > 0)]


def binary(vector: Vector) -> list[int]:
    """Return the bytes of `ubinary` minus 128, from -128 to 127."""
    return [byte - 128 for byte in ubinary(vector)]


def base64_ubinary(vector: Vector) -> str:
    """Return the bytes of `ubinary` in base64."""
    return base64.b64encode(np.packbits(vector > 0).tobytes()).decode("ascii")


def base64_binary(vector: Vector) -> str:
    """Return the numbers of `binary` as signed bytes in base64."""
    return base64.b64encode(np.array(binary(vector), dtype=np.int8).tobytes()).decode("ascii")


IN_BASE64: Mapping[str, Callable[[Vector], str]] = {
    "float": base64_floats,
    "binary": base64_binary,
    "ubinary": base64_ubinary,
}
"""The types of Voyage in base64."""
FORMS: Mapping[str, Callable[[Vector], Any]] = {
    "float": floats,
    "base64": base64_floats,
    "binary": binary,
    "ubinary": ubinary,
}
"""The forms by the names that Cohere, Jina and Voyage give them. int8 needs a calibration, which a model lacks."""
