"""ONNX files that torch runs, operator by operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shortlist.errors import MissingExtra, ModelError
from shortlist.inference.torch_fusion import Step, fused
from shortlist.inference.torch_operators import ATTENTION, LINEAR, Operator, Value, operators

AXES = frozenset({"Reshape", "Unsqueeze", "Squeeze", "Slice", "ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2"})
"""Operators whose inputs after the first are whole numbers for Python, not tensors."""


class Graph:
    """An ONNX file under torch, with its floats in one type on one device.

    Constants that only depend on constants, such as weights that are stored in int8, are computed once, in fp32.

    Args:
        file: The ONNX file.
        float_type: The torch type for floats, such as `torch.float16`. A constant that is too large or too small for
            the type becomes its largest or smallest number, so that a mask does not become infinite.
        device: The torch device.
        outputs: The outputs to compute. None: all.

    Raises:
        MissingExtra: The package onnx is not installed.
        ModelError: The file cannot be read, or has operators that are not in `torch_operators`.
    """

    def __init__(self, file: Path, float_type: Any, device: Any, outputs: Sequence[str] | None = None) -> None:
        model = _read(file)
        self._operators = operators(float_type)
        self.inputs = [port.name for port in model.graph.input]
        self.outputs = [port.name for port in model.graph.output if outputs is None or port.name in outputs]
        self.shape = _shape(model, self.outputs[0])
        parts = _folded(_parts(file, model, self.outputs))
        steps, constants = fused(parts.steps, parts.constants)
        used = {name for step in steps for name in step.inputs} | set(self.outputs)
        self._constants: dict[str, Value] = {
            name: _placed(value, float_type, device) for name, value in constants.items() if name in used
        }
        self._steps = [
            (step, self._operators[step.operator], last)
            for step, last in zip(steps, _last_uses(steps, self.outputs), strict=True)
        ]

    def __call__(self, inputs: Mapping[str, Value]) -> list[Value]:
        """Return the outputs as tensors on the device, which may still be computing them."""
        values: dict[str, Value] = {**self._constants, **inputs}
        for step, operator, last in self._steps:
            values[step.output] = operator(step.attributes, [values[name] for name in step.inputs])
            for name in last:
                del values[name]
        return [values[name] for name in self.outputs]


@dataclass
class _Parts:
    steps: list[Step]
    constants: dict[str, Value] = field(default_factory=dict)


def _read(file: Path) -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra(f"{file.name} under torch", "gpu") from error
    try:
        return onnx.load(str(file))
    except Exception as error:  # its errors share no base but Exception
        raise ModelError(f"torch cannot load {file}: {error}") from error


def _shape(model: Any, output: str) -> tuple[int | None, ...]:
    """The sizes of the output, with None for a size that changes; empty if the file does not state them."""
    port = next(port for port in model.graph.output if port.name == output)
    sizes = port.type.tensor_type.shape.dim
    return tuple(size.dim_value if size.HasField("dim_value") else None for size in sizes)


def _parts(file: Path, model: Any, outputs: Sequence[str]) -> _Parts:
    """The operators that the outputs need, in order, and the constants: numpy arrays, and lists for axes."""
    import onnx
    from onnx import numpy_helper

    needed, steps = set(outputs), []
    for node in reversed(model.graph.node):
        if node.output[0] not in needed:
            continue
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        steps.append(Step(node.op_type, list(node.input), node.output[0], attributes))
        needed |= set(node.input)
    known = set(operators(None)) - {LINEAR, ATTENTION}
    unknown = sorted({step.operator for step in steps} - known)
    if unknown:
        raise ModelError(
            f"torch cannot run {file}: the operators {', '.join(unknown)} are not among those of the packaged models. "
            "Use a model folder with model.safetensors, or device cuda with onnxruntime-gpu"
        )
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer if item.name in needed}
    return _Parts(steps[::-1], constants)


def _folded(parts: _Parts) -> _Parts:
    """The parts with every operator whose inputs are constants computed, in fp32 on the CPU."""
    import torch

    table: dict[str, Operator] = operators(torch.float32)
    constants = {name: torch.from_numpy(array.copy()) for name, array in parts.constants.items()}
    axes = {name for step in parts.steps if step.operator in AXES for name in step.inputs[1:]} & constants.keys()
    numbers = {name: constants[name].tolist() for name in axes}
    steps = []
    for step in parts.steps:
        values = {**constants, **numbers} if step.operator in AXES else constants
        if all(name in values for name in step.inputs) and step.operator != "Shape":
            constants[step.output] = table[step.operator](step.attributes, [values[name] for name in step.inputs])
        else:
            steps.append(step)
    others = {name for step in steps if step.operator not in AXES for name in step.inputs}
    return _Parts(steps, {**constants, **{name: value for name, value in numbers.items() if name not in others}})


def _placed(value: Value, float_type: Any, device: Any) -> Value:
    """The constant in the float type on the device. Lists stay as they are."""
    import torch

    if isinstance(value, list):
        return value
    if not value.is_floating_point():
        return value.to(device)
    bounds = torch.finfo(float_type)
    whole = value.float()
    normal = torch.where(whole.abs() < bounds.tiny, whole.sign() * bounds.tiny, whole)
    return normal.clamp(bounds.min, bounds.max).to(device, float_type)


def _last_uses(steps: Sequence[Step], outputs: Sequence[str]) -> list[list[str]]:
    """For each step, the values of steps before it that no later step needs."""
    computed = {step.output for step in steps}
    needed, last = set(outputs), []
    for step in reversed(steps):
        last.append([name for name in dict.fromkeys(step.inputs) if name in computed and name not in needed])
        needed |= set(step.inputs)
    return last[::-1]
