"""ONNX files of this package: read their constants and nodes, and write them with other constants or outputs.

The package does not need the library onnx. Parts that do not change keep their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError
from shortlist.inference.protobuf import Field, field_of_bytes, field_of_integer, fields

Array: TypeAlias = NDArray[Any]

GRAPH = 7
NODE, INITIALIZER, OUTPUT = 1, 5, 12
"""The fields of a graph that are read."""
TYPES: Mapping[int, np.dtype[Any]] = {1: np.dtype("<f4"), 3: np.dtype("i1"), 7: np.dtype("<i8"), 10: np.dtype("<f2")}
"""The numbers of ONNX for the types of the constants."""
DIMS, DATA_TYPE, NAME, RAW = 1, 2, 8, 9
"""The fields of a tensor that are read."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operation of a graph, with the names of its inputs and outputs."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    message: bytes

    def reading(self, place: int, name: str) -> Node:
        """Return the node with another input at this place."""
        inputs = (*self.inputs[:place], name, *self.inputs[place + 1 :])
        rest = b"".join(field.raw for field in fields(self.message) if field.number != 1)
        message = b"".join(field_of_bytes(1, each.encode()) for each in inputs) + rest
        return replace(self, inputs=inputs, message=message)


class OnnxFile:
    """The nodes and constants of an ONNX file.

    Raises:
        ModelError: The file cannot be read, is no ONNX file, or has constants outside the file.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._model = list(fields(file.read_bytes()))
            graph = next(field.content for field in self._model if field.number == GRAPH)
            self._graph = list(fields(graph))
            self.nodes = [_node(field) for field in self._graph if field.number == NODE]
            self.constants = dict(_constant(field.content) for field in self._graph if field.number == INITIALIZER)
        except (OSError, ValueError, KeyError, StopIteration) as error:
            raise ModelError(f"{file} cannot be read as an ONNX file: {error or 'it has no graph'}") from error

    def producer(self, name: str) -> Node | None:
        """Return the node with this output; None for an input of the graph or a constant."""
        return next((node for node in self.nodes if name in node.outputs), None)

    def readers(self, name: str) -> list[Node]:
        """Return the nodes that read this tensor, in order."""
        return [node for node in self.nodes if name in node.inputs]

    def written(
        self, constants: Mapping[str, Array] | None = None, outputs: Iterable[str] = (), nodes: Iterable[Node] = ()
    ) -> bytes:
        """Return the file with these constants in place of those with their names, and with further outputs.

        A constant with a new name is added. Each of `nodes` replaces the node with the same outputs. A constant that
        no node reads any more is left out.
        """
        values = {**self.constants, **(constants or {})}
        changed = {node.outputs: node for node in nodes}
        kept = [changed.get(node.outputs, node) for node in self.nodes]
        used = {name for node in kept for name in node.inputs}
        graph = [field_of_bytes(NODE, node.message) for node in kept]
        own = {_name(field.content): field.raw for field in self._graph if field.number == INITIALIZER}
        for name, value in values.items():
            if name in used:
                same = value is self.constants.get(name)
                graph.append(own[name] if same else field_of_bytes(INITIALIZER, _tensor(name, value)))
        graph += [field.raw for field in self._graph if field.number not in (NODE, INITIALIZER)]
        graph += [field_of_bytes(OUTPUT, _port(name)) for name in outputs]
        content = field_of_bytes(GRAPH, b"".join(graph))
        return b"".join(content if field.number == GRAPH else field.raw for field in self._model)


def _node(field: Field) -> Node:
    parts = list(fields(field.content))
    kind = next(part.text for part in parts if part.number == 4)
    inputs, outputs = (tuple(part.text for part in parts if part.number == number) for number in (1, 2))
    return Node(kind, inputs, outputs, field.content)


def _name(message: bytes) -> str:
    return next(part.text for part in fields(message) if part.number == NAME)


def _constant(message: bytes) -> tuple[str, Array]:
    """The name and the values of a constant. A value outside the file is an error."""
    name, kind, raw, sizes = "", 0, b"", []
    for part in fields(message):
        if part.number == DIMS and isinstance(part.value, int):
            sizes.append(part.value)
        elif part.number == DATA_TYPE and isinstance(part.value, int):
            kind = part.value
        elif part.number == NAME:
            name = part.text
        elif part.number == RAW:
            raw = part.content
    return name, np.frombuffer(raw, TYPES[kind]).reshape(sizes)


def _tensor(name: str, value: Array) -> bytes:
    kind = next(number for number, dtype in TYPES.items() if dtype == value.dtype)
    sizes = b"".join(field_of_integer(DIMS, size) for size in value.shape)
    named = field_of_bytes(NAME, name.encode())
    return (
        sizes + field_of_integer(DATA_TYPE, kind) + named + field_of_bytes(RAW, np.ascontiguousarray(value).tobytes())
    )


def _port(name: str) -> bytes:
    """An output of floats without stated sizes."""
    return field_of_bytes(1, name.encode()) + field_of_bytes(2, field_of_bytes(1, field_of_integer(1, 1)))
