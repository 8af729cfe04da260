"""An OpenVINO model whose calibrated linear layers multiply in int8."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortlist.inference import activation_ranges as calibration

if TYPE_CHECKING:
    import openvino


class Linear(NamedTuple):
    """A matrix product with a calibration: its weights `(in, out)` in fp32, and its entry of the table by name."""

    weights: NDArray[np.float32]
    entry: str
    activations: calibration.Activations


def linears(model: openvino.Model, table: calibration.Table) -> dict[str, Linear]:
    """The calibrated products of a model as it was read, by the names of their nodes."""
    found = {}
    for node in model.get_ops():
        if node.get_type_name() != "MatMul" or (held := _stored(node.input_value(1).get_node())) is None:
            continue
        codes, scale = held
        own = calibration.of(codes.get_friendly_name().removesuffix(".weight"), table)
        if own is not None:
            weights = codes.get_data().astype(np.float32) * scale.get_data()
            found[node.get_friendly_name()] = Linear(weights, *own)
    return found


def _stored(node: openvino.Node) -> tuple[openvino.Node, openvino.Node] | None:
    """Codes and scales of a matrix that is stored as codes times a scale a column; None for anything else."""
    if node.get_type_name() != "Multiply":
        return None
    cast, scale = (node.input_value(place).get_node() for place in (0, 1))
    if cast.get_type_name() != "Convert" or scale.get_type_name() != "Constant":
        return None
    return cast.input_value(0).get_node(), scale


def quantise(model: openvino.Model, found: dict[str, Linear]) -> None:
    """Puts int8 weights and quantised activations into the products named, in place."""
    inputs: dict[tuple[str, int, str], openvino.Output] = {}
    for node in model.get_ops():
        linear = found.get(node.get_friendly_name())
        if linear is None or node.get_type_name() != "MatMul":
            continue
        source = node.input_value(0)
        key = (source.get_node().get_friendly_name(), source.get_index(), linear.entry)
        if key not in inputs:
            inputs[key] = _quantised_input(source, linear.activations)
        node.input(0).replace_source_output(inputs[key])
        node.input(1).replace_source_output(_int8(linear.weights * linear.activations.smooth[:, None]))
    model.validate_nodes_and_infer_types()


def _quantised_input(source: openvino.Output, how: calibration.Activations) -> openvino.Output:
    from openvino import opset13

    divided = opset13.multiply(source, opset13.constant((1 / how.smooth).reshape(1, 1, -1).astype(np.float32)))
    low, high = (opset13.constant(np.full((1, 1, 1), end, dtype=np.float32)) for end in (how.low, how.high))
    return opset13.fake_quantize(divided, low, high, low, high, 256).output(0)


def _int8(weights: NDArray[np.float32]) -> openvino.Output:
    from openvino import opset13

    scale = np.maximum(np.abs(weights).max(axis=0, keepdims=True), np.float32(1e-8)) / np.float32(127)
    codes = np.round(weights / scale).astype(np.int8)
    return opset13.multiply(opset13.convert(opset13.constant(codes), np.float32), opset13.constant(scale)).output(0)
