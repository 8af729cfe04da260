"""The last stage of a cross-encoder in stages: the weights that adapting changes, and the tensors that they read.

The file must have the form of the packaged reranker. Its last layer computes one row, that of [CLS], and its head adds
a classifier on this row and two likenesses with scales. `training/graph.py` writes this form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.inference.onnx_edit import Array, Node, OnnxFile
from shortlist.models.spec import CrossEncoderSpec

Weights: TypeAlias = dict[str, NDArray[np.floating]]
"""Weights by their names in `LAYER` and `HEAD`, with ".weight" and ".bias"; matrices are `(in, out)`."""

LAYER = {
    "value": "attention.self.value",
    "mix": "attention.output.dense",
    "first_norm": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "shrink": "output.dense",
    "last_norm": "output.LayerNorm",
}
"""The parts of the layer that change -> their names in BERT. The attention of the layer, query and key, stays."""
HEAD = {"dense": "dense", "out": "out"}
"""The parts of the head that change -> their names in the file."""
LOGITS = "logits"
"""The name of the stage's first output."""
SCALE = "scale"
"""The name of the scales of the two likenesses, `(2,)`."""
LIKENESSES = 2


@dataclass(frozen=True, slots=True)
class Tensors:
    """The names of the tensors that the changing weights read.

    `states` are the token states below the last layer, and `attention` the shares that [CLS] gives to them.
    `likenesses` are the outputs of the head's two comparisons, before their scales.
    """

    states: str
    attention: str
    likenesses: tuple[str, ...]


class LastStage:
    """The last stage of a cross-encoder in stages.

    Raises:
        InvalidInput: The model is not in stages, or its last stage has another form.
        ModelError: The file cannot be read.
    """

    def __init__(self, spec: CrossEncoderSpec) -> None:
        self._name = spec.files.name
        if not spec.stages:
            raise self._unsuitable("it is not in stages")
        config = json.loads((spec.files.folder / "config.json").read_text(encoding="utf-8"))
        if config.get("hidden_act") != "gelu":
            raise self._unsuitable(f"its activation is {config.get('hidden_act')!r}, not 'gelu'")
        layers, self.heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        self.epsilon = float(config["layer_norm_eps"])
        self.file = spec.stages[-1]
        self._graph = OnnxFile(self.file)
        self._layer, self._head = f"encoder.layer.{layers - 1}", f"heads.{layers}"
        self._scaled = self._scaled_likenesses()
        self.tensors = self._tensors()
        self.weights = self._weights()

    def _unsuitable(self, reason: str) -> InvalidInput:
        return InvalidInput(
            f"{self._name} cannot be adapted: {reason}. Adapt the packaged reranker, or a model in its form",
            field="reranker",
        )

    @property
    def watched_names(self) -> list[str]:
        """The names of the tensors that `watched` adds to the outputs, in order."""
        names = (self.tensors.states, self.tensors.attention, *self.tensors.likenesses)
        return [name for name in names if self._graph.producer(name) is not None]

    def watched(self) -> bytes:
        """Return the stage as a file whose outputs also are `tensors`. The states may be its input, and no output."""
        return self._graph.written(outputs=self.watched_names)

    def written(self, weights: Mapping[str, NDArray[np.floating]]) -> bytes:
        """Return the stage with these weights.

        Matrices that the stage stores in int8 are stored in fp16: most changes are smaller than a step of int8.
        """
        constants: dict[str, Array] = {}
        for part, name in self._names.items():
            for kind in ("weight", "bias"):
                self._store(constants, f"{name}.{kind}", weights[f"{part}.{kind}"])
        nodes = []
        for place, (node, at) in enumerate(self._scaled):
            name = f"{self._head}.{SCALE}.{place}"
            constants[name] = np.array([weights[SCALE][place]], dtype=np.float32)
            nodes.append(node.reading(at, name))
        return self._graph.written(constants, nodes=nodes)

    @property
    def _names(self) -> dict[str, str]:
        """The parts that change -> the names of their constants, without ".weight" and ".bias"."""
        layer = {part: f"{self._layer}.{name}" for part, name in LAYER.items()}
        return layer | {part: f"{self._head}.{name}" for part, name in HEAD.items()}

    def _store(self, constants: dict[str, Array], name: str, value: NDArray[np.floating]) -> None:
        before = self._constant(name)
        if before.dtype == np.int8:
            constants[name] = value.astype(np.float16)
            constants[f"{name}.scale"] = np.ones_like(self._constant(f"{name}.scale"))
        else:
            constants[name] = value.astype(before.dtype).reshape(before.shape)

    def _constant(self, name: str) -> Array:
        if name not in self._graph.constants:
            raise self._unsuitable(f"{self.file.name} has no constant {name}")
        return self._graph.constants[name]

    def _weights(self) -> Weights:
        weights: Weights = {}
        for part, name in self._names.items():
            for kind in ("weight", "bias"):
                value = self._constant(f"{name}.{kind}")
                scale = self._graph.constants.get(f"{name}.{kind}.scale", np.float32(1))
                weights[f"{part}.{kind}"] = value.astype(np.float32) * scale
        scales = [self._graph.constants[node.inputs[at]].reshape(-1)[0] for node, at in self._scaled]
        weights[SCALE] = np.array(scales, dtype=np.float32)
        return weights

    def _scaled_likenesses(self) -> list[tuple[Node, int]]:
        """The products of a likeness and its scale, in the order of the sum, and the place of the scale in each."""
        products: list[tuple[Node, int]] = []
        output = self._graph.producer(LOGITS)
        node = self._graph.producer(output.inputs[0]) if output is not None else None
        while node is not None and node.kind == "Add" and len(products) < LIKENESSES:
            product = self._graph.producer(node.inputs[1])
            places = [at for at, name in enumerate(product.inputs) if name in self._graph.constants] if product else []
            if product is None or product.kind != "Mul" or len(places) != 1:
                break
            products.append((product, places[0]))
            node = self._graph.producer(node.inputs[0])
        if len(products) != LIKENESSES:
            raise self._unsuitable(f"the head in {self.file.name} does not add two scaled likenesses")
        return products[::-1]

    def _tensors(self) -> Tensors:
        likenesses = tuple(node.inputs[1 - at] for node, at in self._scaled)
        key = f"{self._layer}.attention.self.key.weight"
        self._constant(key)
        product = self._following(key, "MatMul")
        shares = self._following(product.outputs[0], "Softmax")
        return Tensors(product.inputs[0], shares.outputs[0], likenesses)

    def _following(self, name: str, kind: str) -> Node:
        """The first node of this kind on the path of single readers that begins at the tensor."""
        while len(readers := self._graph.readers(name)) == 1:
            if readers[0].kind == kind:
                return readers[0]
            name = readers[0].outputs[0]
        raise self._unsuitable(f"{self.file.name} has no {kind} where the last layer of the packaged reranker has one")
