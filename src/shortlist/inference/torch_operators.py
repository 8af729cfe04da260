"""The operators of ONNX files that torch runs here: those of the packaged models and of `training/graph.py`.

A value is a tensor, or a list of whole numbers: a shape, axes, or the bounds of a slice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Value = Any
Attributes = Mapping[str, Any]
Operator = Callable[[Attributes, Sequence[Value]], Value]

ONNX_FLOATS = (1, 10, 11, 16)
"""ONNX's numbers for fp32, fp16, fp64 and bf16. All become the type in which the model runs."""
LINEAR, ATTENTION = "Linear", "Attention"
"""Operators that ONNX files do not have; `torch_fusion` puts them in place of several others."""


def operators(float_type: Any) -> dict[str, Operator]:
    """Return the operators by ONNX's name. `float_type` is the torch type for floats."""
    import torch
    from torch.nn import functional

    def cast(attributes: Attributes, values: Sequence[Value]) -> Value:
        return values[0].to(float_type if attributes["to"] in ONNX_FLOATS else torch.int64)

    def gather(attributes: Attributes, values: Sequence[Value]) -> Value:
        return values[0][values[1]]

    def attention(attributes: Attributes, values: Sequence[Value]) -> Value:
        query, keys, states, mask = values
        scale, turned = attributes["scale"], keys.transpose(-1, -2)
        return functional.scaled_dot_product_attention(query, turned, states, attn_mask=mask, scale=scale)

    def normalised(attributes: Attributes, values: Sequence[Value]) -> Value:
        rows, weight, bias = values
        return functional.layer_norm(rows, weight.shape, weight, bias, attributes.get("epsilon", 1e-5))

    return {
        **_shaping(),
        **_reducing(torch),
        "Add": lambda _, values: values[0] + values[1],
        "Sub": lambda _, values: values[0] - values[1],
        "Mul": lambda _, values: values[0] * values[1],
        "Div": lambda _, values: values[0] / values[1],
        "Max": lambda _, values: torch.maximum(*values),
        "Min": lambda _, values: torch.minimum(*values),
        "Abs": lambda _, values: values[0].abs(),
        "Tanh": lambda _, values: values[0].tanh(),
        "Gelu": lambda attributes, values: functional.gelu(values[0], approximate=_text(attributes, "approximate")),
        "Softmax": lambda attributes, values: values[0].softmax(attributes.get("axis", -1)),
        "MatMul": lambda _, values: values[0] @ values[1],
        "LayerNormalization": normalised,
        "Cast": cast,
        "Gather": gather,
        LINEAR: lambda _, values: functional.linear(*values),
        ATTENTION: attention,
    }


def _text(attributes: Attributes, name: str) -> str:
    given = attributes.get(name, b"none")
    return given.decode() if isinstance(given, bytes) else str(given)


def _shaping() -> dict[str, Operator]:
    """Operators that change no number."""

    def reshaped(_: Attributes, values: Sequence[Value]) -> Value:
        rows, sizes = values
        return rows.reshape([rows.shape[place] if size == 0 else size for place, size in enumerate(sizes)])

    def unsqueezed(_: Attributes, values: Sequence[Value]) -> Value:
        rows, axes = values
        for axis in sorted(axes):
            rows = rows.unsqueeze(axis)
        return rows

    return {
        "Identity": lambda _, values: values[0],
        "Shape": lambda _, values: list(values[0].shape),
        "Transpose": lambda attributes, values: values[0].permute(attributes["perm"]),
        "Reshape": reshaped,
        "Unsqueeze": unsqueezed,
        "Squeeze": lambda _, values: values[0].squeeze(tuple(values[1])),
        "Slice": _sliced,
    }


def _sliced(_: Attributes, values: Sequence[Value]) -> Value:
    rows, starts, ends = values[:3]
    axes = values[3] if len(values) > 3 else range(len(starts))
    steps = values[4] if len(values) > 4 else [1] * len(starts)
    if isinstance(rows, list):
        return rows[starts[0] : ends[0] : steps[0]]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        rows = rows[(slice(None),) * (axis % rows.dim()) + (slice(start, end, step),)]
    return rows


def _reducing(torch: Any) -> dict[str, Operator]:
    def reduced(function: Callable[[Value, Sequence[int], bool], Value]) -> Operator:
        def run(attributes: Attributes, values: Sequence[Value]) -> Value:
            axes = values[1] if len(values) > 1 else attributes.get("axes", range(values[0].dim()))
            return function(values[0], tuple(axes), bool(attributes.get("keepdims", 1)))

        return run

    return {
        "ReduceSum": reduced(lambda rows, axes, keep: rows.sum(axes, keepdim=keep)),
        "ReduceMean": reduced(lambda rows, axes, keep: rows.mean(axes, keepdim=keep)),
        "ReduceMax": reduced(lambda rows, axes, keep: torch.amax(rows, axes, keepdim=keep)),
        "ReduceL2": reduced(lambda rows, axes, keep: torch.linalg.vector_norm(rows, dim=axes, keepdim=keep)),
    }
