"""Linear layers and attention in place of the operators that they consist of in an ONNX file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shortlist.inference.torch_operators import ATTENTION, LINEAR, Attributes, Value


@dataclass(frozen=True)
class Step:
    """One operator: its name, the names of its inputs and of its output, and its attributes."""

    operator: str
    inputs: list[str]
    output: str
    attributes: Attributes = field(default_factory=dict)


def fused(steps: Sequence[Step], constants: dict[str, Value]) -> tuple[list[Step], dict[str, Value]]:
    """Return the steps and the constants with fewer, larger operators: one call of torch each.

    A product by a matrix and the addition of a bias become LINEAR. Scores, a mask, a softmax and the product with the
    values become ATTENTION, for which torch has fast kernels. Everything else stays.
    """
    constants = dict(constants)
    return _with_attention(_with_linears(list(steps), constants), constants), constants


class _Uses:
    """Which step makes a value, and how many steps read it."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.maker = {step.output: step for step in steps}
        self.readers = Counter(name for step in steps for name in step.inputs)

    def only(self, name: str, operator: str) -> Step | None:
        """The step that makes the value, if it is of this operator and its value has one reader."""
        step = self.maker.get(name)
        return step if step is not None and step.operator == operator and self.readers[name] == 1 else None


def _with_linears(steps: list[Step], constants: dict[str, Value]) -> list[Step]:
    uses, gone, out = _Uses(steps), set(), []
    for step in steps:
        product = uses.only(step.inputs[0], "MatMul") if step.operator == "Add" else None
        if product is not None and _dims(constants.get(step.inputs[1])) == 1:
            matrix = product.inputs[1]
            if _dims(constants.get(matrix)) == 2:
                turned = f"{matrix}.turned"
                constants[turned] = constants[matrix].t().contiguous()
                gone.add(product.output)
                out.append(Step(LINEAR, [product.inputs[0], turned, step.inputs[1]], step.output))
                continue
        out.append(step)
    return [step for step in out if step.output not in gone]


def _dims(value: Any) -> int | None:
    return None if value is None or isinstance(value, list) else int(value.dim())


def _with_attention(steps: list[Step], constants: dict[str, Value]) -> list[Step]:
    uses, gone, out = _Uses(steps), set(), []
    for step in steps:
        softmax = uses.only(step.inputs[0], "Softmax") if step.operator == "MatMul" else None
        masked = uses.only(softmax.inputs[0], "Add") if softmax is not None else None
        if softmax is None or masked is None or softmax.attributes.get("axis", -1) != -1:
            out.append(step)
            continue
        scaled = uses.only(masked.inputs[0], "Mul")
        factor = constants.get(scaled.inputs[1]) if scaled is not None else None
        scores = uses.only(masked.inputs[0] if scaled is None else scaled.inputs[0], "MatMul")
        if scores is None or (scaled is not None and (factor is None or factor.numel() != 1)):
            out.append(step)
            continue
        gone |= {part.output for part in (softmax, masked, scaled, scores) if part is not None}
        scale = 1.0 if factor is None else float(factor)
        inputs = [*scores.inputs, step.inputs[1], masked.inputs[1]]
        out.append(Step(ATTENTION, inputs, step.output, {"scale": scale}))
    return [step for step in out if step.output not in gone]
