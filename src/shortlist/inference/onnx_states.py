"""Coded states to states on ONNX Runtime, as a small model in front of the model that reads states."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shortlist.inference.engine import CODES, QUERY_STATES, STATES
from shortlist.inference.state_codec import StateCodec

FLOAT, INT = 1, 2
"""The numbers of ONNX for float32 tensors and for attributes of one integer."""


def decoding_model(codec: StateCodec) -> bytes:
    """Return an ONNX model from QUERY_STATES and the components of CODES to STATES.

    numpy would multiply on threads of its own, which wait for work in a loop and so take the cores from the model.
    """
    axis = _bytes(5, _bytes(1, b"axis") + _integer(3, 1) + _integer(20, INT))
    graph = (
        _node("MatMul", [CODES, "back"], "product")
        + _node("Add", ["product", "mean"], "passages")
        + _node("Concat", [QUERY_STATES, "passages"], STATES, axis)
        + _bytes(2, b"states")
        + _constant("back", codec.back)
        + _constant("mean", codec.mean)
        + _bytes(11, _value(QUERY_STATES, codec.width))
        + _bytes(11, _value(CODES, codec.width))
        + _bytes(12, _value(STATES, codec.width))
    )
    return _integer(1, 8) + _bytes(7, graph) + _bytes(8, _integer(2, 17))


def _node(kind: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    names = b"".join(_bytes(1, name.encode()) for name in inputs)
    return _bytes(1, names + _bytes(2, output.encode()) + _bytes(4, kind.encode()) + attribute)


def _constant(name: str, values: NDArray[np.float32]) -> bytes:
    sizes = b"".join(_integer(1, size) for size in values.shape)
    content = values.astype("<f4").tobytes()
    return _bytes(5, sizes + _integer(2, FLOAT) + _bytes(8, name.encode()) + _bytes(9, content))


def _value(name: str, width: int) -> bytes:
    """A float tensor of any rows and tokens."""
    sizes = _bytes(1, b"") + _bytes(1, b"") + _bytes(1, _integer(1, width))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _integer(1, FLOAT) + _bytes(2, sizes)))


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
