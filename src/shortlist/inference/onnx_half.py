"""ONNX files in fp16, for ONNX Runtime on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shortlist.errors import MissingExtra, ModelError
from shortlist.inference.engine import STATES

EXACT = ("ReduceL2", "ReduceSum")
"""Operators that stay in fp32: they add many numbers, or squares of numbers."""


def half_model(files: Sequence[Path]) -> bytes:
    """Return the file as an ONNX model in fp16, whose inputs and outputs keep their types.

    Several files are the stages of one model. They become one model with the outputs of the last stage. The conversion
    is that of ONNX Runtime.

    Raises:
        MissingExtra: The package onnx is not installed.
        ModelError: A file cannot be converted.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra("fp16 on CUDA", "gpu") from error
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    try:
        model = _joined([onnx.load(str(file)) for file in files])
        _fold(model.graph)
        blocked = [*DEFAULT_OP_BLOCK_LIST, *EXACT]
        half = convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked)
        return bytes(half.SerializeToString())
    except Exception as error:  # its errors share no base but Exception
        raise ModelError(f"{', '.join(map(str, files))} cannot be converted to fp16: {error}") from error


def _joined(stages: Sequence[Any]) -> Any:
    """The stages as one model. Each stage reads the token states of the stage before; the other inputs are shared."""
    whole = stages[0]
    for number, stage in enumerate(stages[1:], start=1):
        _append(whole.graph, stage.graph, number)
    return whole


def _append(whole: Any, stage: Any, number: int) -> None:
    """Add a stage to the graph `whole`, whose last output is the token states, and take over the stage's outputs."""
    known = {port.name for port in whole.input}
    states = whole.output[-1].name
    own = [port for port in stage.input if port.name not in known and port.name != STATES]
    shared = known | {port.name for port in own}

    def renamed(name: str) -> str:
        if name == STATES:
            return str(states)
        return name if not name or name in shared else f"{number}/{name}"

    for node in stage.node:
        node.name = renamed(node.name)
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
    for constant in stage.initializer:
        constant.name = renamed(constant.name)
    for port in stage.output:
        port.name = renamed(port.name)
    whole.node.extend(stage.node)
    whole.initializer.extend(stage.initializer)
    whole.input.extend(own)
    del whole.output[:]
    whole.output.extend(stage.output)


def _fold(graph: Any) -> None:
    """Compute the weights that are stored in int8 and a scale, or in fp16. ONNX Runtime cannot do so in fp16."""
    from onnx import helper, numpy_helper

    constants = {item.name: item for item in graph.initializer}
    for node in list(graph.node):
        if node.op_type not in ("Cast", "Mul") or not all(name in constants for name in node.input):
            continue
        values = [numpy_helper.to_array(constants[name]) for name in node.input]
        if node.op_type == "Cast":
            value = values[0].astype(helper.tensor_dtype_to_np_dtype(node.attribute[0].i))
        else:
            value = values[0] * values[1]
        constants[node.output[0]] = numpy_helper.from_array(value, node.output[0])
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    del graph.initializer[:]
    graph.initializer.extend(item for name, item in constants.items() if name in used)
