"""Coded states to states on ONNX Runtime, as a small model in front of the model that reads states."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shortlist.inference.engine import CODES, QUERY_STATES, STATES
from shortlist.inference.protobuf import field_of_bytes, field_of_integer
from shortlist.inference.state_codec import StateCodec

FLOAT, INT = 1, 2
"""The numbers of ONNX for float32 tensors and for attributes of one integer."""


def decoding_model(codec: StateCodec) -> bytes:
    """Return an ONNX model from QUERY_STATES and the components of CODES to STATES.

    numpy would multiply on threads of its own, which wait for work in a loop and so take the cores from the model.
    """
    axis = field_of_bytes(5, field_of_bytes(1, b"axis") + field_of_integer(3, 1) + field_of_integer(20, INT))
    graph = (
        _node("MatMul", [CODES, "back"], "product")
        + _node("Add", ["product", "mean"], "passages")
        + _node("Concat", [QUERY_STATES, "passages"], STATES, axis)
        + field_of_bytes(2, b"states")
        + _constant("back", codec.back)
        + _constant("mean", codec.mean)
        + field_of_bytes(11, _value(QUERY_STATES, codec.width))
        + field_of_bytes(11, _value(CODES, codec.width))
        + field_of_bytes(12, _value(STATES, codec.width))
    )
    return field_of_integer(1, 8) + field_of_bytes(7, graph) + field_of_bytes(8, field_of_integer(2, 17))


def _node(kind: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    names = b"".join(field_of_bytes(1, name.encode()) for name in inputs)
    return field_of_bytes(1, names + field_of_bytes(2, output.encode()) + field_of_bytes(4, kind.encode()) + attribute)


def _constant(name: str, values: NDArray[np.float32]) -> bytes:
    sizes = b"".join(field_of_integer(1, size) for size in values.shape)
    content = values.astype("<f4").tobytes()
    return field_of_bytes(
        5, sizes + field_of_integer(2, FLOAT) + field_of_bytes(8, name.encode()) + field_of_bytes(9, content)
    )


def _value(name: str, width: int) -> bytes:
    """A float tensor of any rows and tokens."""
    sizes = field_of_bytes(1, b"") + field_of_bytes(1, b"") + field_of_bytes(1, field_of_integer(1, width))
    return field_of_bytes(1, name.encode()) + field_of_bytes(
        2, field_of_bytes(1, field_of_integer(1, FLOAT) + field_of_bytes(2, sizes))
    )
