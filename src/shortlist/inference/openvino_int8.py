"""Int8 multiplication in the linear layers of an OpenVINO model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortlist.inference.activation_ranges import Activations, Table, entry

if TYPE_CHECKING:
    import openvino


class Linear(NamedTuple):
    """A matrix product with activation ranges: its fp32 weights, `(in, out)`, and its entry in the table by name."""

    weights: NDArray[np.float32]
    entry: str
    activations: Activations


def linears(model: openvino.Model, table: Table) -> dict[str, Linear]:
    """Return the products that the table has ranges for, by node name. `model` must be as read from its file."""
    products = {}
    for node in model.get_ops():
        if node.get_type_name() != "MatMul" or (stored := _stored(node.input_value(1).get_node())) is None:
            continue
        codes, scale = stored
        ranges = entry(codes.get_friendly_name().removesuffix(".weight"), table)
        if ranges is not None:
            weights = codes.get_data().astype(np.float32) * scale.get_data()
            products[node.get_friendly_name()] = Linear(weights, *ranges)
    return products


def _stored(node: openvino.Node) -> tuple[openvino.Node, openvino.Node] | None:
    """The codes and scales of a matrix that is stored as codes times a scale per column, or None."""
    if node.get_type_name() != "Multiply":
        return None
    cast, scale = (node.input_value(place).get_node() for place in (0, 1))
    if cast.get_type_name() != "Convert" or scale.get_type_name() != "Constant":
        return None
    return cast.input_value(0).get_node(), scale


def quantise(model: openvino.Model, products: dict[str, Linear]) -> None:
    """Give these products int8 weights and quantised activations, in place."""
    inputs: dict[tuple[str, int, str], openvino.Output] = {}
    for node in model.get_ops():
        linear = products.get(node.get_friendly_name())
        if linear is None or node.get_type_name() != "MatMul":
            continue
        source = node.input_value(0)
        key = (source.get_node().get_friendly_name(), source.get_index(), linear.entry)
        if key not in inputs:
            inputs[key] = _quantised_input(source, linear.activations)
        node.input(0).replace_source_output(inputs[key])
        node.input(1).replace_source_output(_int8(linear.weights * linear.activations.smooth[:, None]))
    model.validate_nodes_and_infer_types()


def _quantised_input(source: openvino.Output, activations: Activations) -> openvino.Output:
    from openvino import opset13

    factors = (1 / activations.smooth).reshape(1, 1, -1).astype(np.float32)
    divided = opset13.multiply(source, opset13.constant(factors))
    ends = (activations.low, activations.high)
    low, high = (opset13.constant(np.full((1, 1, 1), end, dtype=np.float32)) for end in ends)
    return opset13.fake_quantize(divided, low, high, low, high, 256).output(0)


def _int8(weights: NDArray[np.float32]) -> openvino.Output:
    from openvino import opset13

    scale = np.maximum(np.abs(weights).max(axis=0, keepdims=True), np.float32(1e-8)) / np.float32(127)
    codes = np.round(weights / scale).astype(np.int8)
    return opset13.multiply(opset13.convert(opset13.constant(codes), np.float32), opset13.constant(scale)).output(0)
