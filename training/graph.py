"""BERT weights -> ONNX files that contain only standard operators.

Both runtimes read them as they are. Matrices are stored small (fp16, or int8 with one scale a column) and turned
into fp32 by Cast and Mul nodes that a runtime folds when it loads the file; sums run in fp32.

The cross-encoder becomes one file a stage: the layers up to an exit, and the head of this exit. A stage gives its
logits and the token states that the next stage starts from, so that a caller can stop, drop pairs, or continue. The
last layer computes the [CLS] row alone. This is exact, because only this row is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]


@dataclass
class Graph:
    """Nodes and constants under construction; every method returns the name of its result."""

    storage: str  # "fp16" or "int8"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant("i_" + "_".join(str(v) for v in values), np.array(values, dtype=np.int64))

    def number(self, value: float) -> str:
        return self.constant(f"f_{value}", np.array(value, dtype=np.float32))

    def matrix(self, name: str, value: NDArray[np.float32]) -> str:
        """A `(in, out)` matrix in small storage, as fp32."""
        if self.storage == "fp16":
            return self.op("Cast", self.constant(name, value.astype(np.float16)), to=TensorProto.FLOAT)
        codes, scale = int8(value, axis=0)
        cast = self.op("Cast", self.constant(name, codes), to=TensorProto.FLOAT)
        return self.op("Mul", cast, self.constant(f"{name}.scale", scale))

    def rows(self, name: str, value: NDArray[np.float32], ids: str) -> str:
        """The table's rows at `ids`, as fp32; the table itself stays in small storage while running."""
        if self.storage == "fp16":
            table = self.constant(name, value.astype(np.float16))
            return self.op("Cast", self.op("Gather", table, ids), to=TensorProto.FLOAT)
        codes, scale = int8(value, axis=1)
        picked = self.op("Cast", self.op("Gather", self.constant(name, codes), ids), to=TensorProto.FLOAT)
        return self.op("Mul", picked, self.op("Gather", self.constant(f"{name}.scale", scale), ids))

    def linear(self, states: str, weights: Weights, name: str) -> str:
        product = self.op("MatMul", states, self.matrix(f"{name}.weight", weights[f"{name}.weight"].T))
        return self.op("Add", product, self.constant(f"{name}.bias", weights[f"{name}.bias"]))

    def norm(self, states: str, weights: Weights, name: str, epsilon: float) -> str:
        scale = self.constant(f"{name}.weight", weights[f"{name}.weight"])
        shift = self.constant(f"{name}.bias", weights[f"{name}.bias"])
        return self.op("LayerNormalization", states, scale, shift, axis=-1, epsilon=epsilon)


CLIP_POINTS = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, *(127 / most for most in range(126, 100, -1)))
"""Scales to try, as shares of the largest value / 127. Above 1: a matrix of `rounding.py` keeps its steps exactly."""


def int8(value: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Codes and scales (kept as a broadcastable axis) with the least squared error among a few clip points."""
    largest = np.abs(value).max(axis=axis, keepdims=True) / 127
    largest[largest == 0] = 1e-8
    best, best_error = largest.copy(), np.full(largest.shape, np.inf)
    for share in CLIP_POINTS:
        scale = largest * share
        error = ((np.clip(np.round(value / scale), -127, 127) * scale - value) ** 2).sum(axis=axis, keepdims=True)
        best = np.where(error < best_error, scale, best)
        best_error = np.minimum(error, best_error)
    codes = np.clip(np.round(value / best), -127, 127).astype(np.int8)
    return codes, best.astype(np.float32)


def layer(graph: Graph, states: str, mask: str, weights: Weights, prefix: str, shape: BertShape, *, cls: bool) -> str:
    """One transformer layer; with `cls` only row 0 is computed."""
    asking = graph.op("Slice", states, graph.integers(0), graph.integers(1), graph.integers(1)) if cls else states

    def split(part: str, source: str) -> str:
        rows = graph.linear(source, weights, f"{prefix}.attention.self.{part}")
        rows = graph.op("Reshape", rows, graph.integers(0, 0, shape.heads, shape.width // shape.heads))
        return graph.op("Transpose", rows, perm=[0, 2, 3, 1] if part == "key" else [0, 2, 1, 3])

    query = graph.op("Mul", split("query", asking), graph.number((shape.width // shape.heads) ** -0.5))
    likeness = graph.op("MatMul", query, split("key", states))
    share = graph.op("Softmax", graph.op("Add", likeness, mask), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", share, split("value", states)), perm=[0, 2, 1, 3])
    mixed = graph.op("Reshape", mixed, graph.integers(0, 0, shape.width))
    attended = graph.op("Add", graph.linear(mixed, weights, f"{prefix}.attention.output.dense"), asking)
    attended = graph.norm(attended, weights, f"{prefix}.attention.output.LayerNorm", shape.epsilon)
    widened = graph.op("Gelu", graph.linear(attended, weights, f"{prefix}.intermediate.dense"))
    output = graph.op("Add", graph.linear(widened, weights, f"{prefix}.output.dense"), attended)
    return graph.norm(output, weights, f"{prefix}.output.LayerNorm", shape.epsilon)


@dataclass(frozen=True)
class BertShape:
    """The numbers of the architecture that the graph needs."""

    width: int = 384
    heads: int = 12
    layers: int = 6
    epsilon: float = 1e-12
    apart: int = 0  # number of lower layers in which query and passage do not see each other
    passage_position: int | None = None  # position of a passage's first token in a pair; None: after the query


def embeddings(graph: Graph, weights: Weights, shape: BertShape, *, types: bool) -> str:
    """Word, position and type embeddings, normalised; without `types` the input is a single text of type 0."""
    words = graph.rows("embeddings.word_embeddings.weight", weights["embeddings.word_embeddings.weight"], "input_ids")
    positions = weights["embeddings.position_embeddings.weight"]
    length = graph.op("Slice", graph.op("Shape", "input_ids"), graph.integers(1), graph.integers(2))
    type_table = weights["embeddings.token_type_embeddings.weight"]
    if types:
        table = graph.constant("positions", positions.astype(np.float32))
        if shape.passage_position is None:
            used = graph.op("Slice", table, graph.integers(0), length, graph.integers(0))
        else:
            used = graph.op("Gather", table, _places(graph, length, shape.passage_position, len(positions)))
        summed = graph.op("Add", words, used)
        table = graph.constant("types", type_table.astype(np.float32))
        summed = graph.op("Add", summed, graph.op("Gather", table, "token_type_ids"))
    else:
        table = graph.constant("positions", (positions + type_table[0]).astype(np.float32))
        summed = graph.op("Add", words, graph.op("Slice", table, graph.integers(0), length, graph.integers(0)))
    return graph.norm(summed, weights, "embeddings.LayerNorm", shape.epsilon)


def _places(graph: Graph, length: str, passage: int, most: int) -> str:
    """`(batch, length)` positions of tokens; those of the passage begin at `passage`."""
    numbers = graph.constant("places", np.arange(most, dtype=np.int64))
    numbers = graph.op("Slice", numbers, graph.integers(0), length, graph.integers(0))
    own = graph.op("Mul", graph.op("Sub", graph.integers(1), "token_type_ids"), "attention_mask")
    split = graph.op("ReduceSum", own, graph.integers(1), keepdims=1)
    moved = graph.op("Mul", "token_type_ids", graph.op("Sub", split, graph.integers(passage)))
    return graph.op("Min", graph.op("Sub", numbers, moved), graph.integers(most - 1))


def wall(graph: Graph, mask: str) -> str:
    """The mask, and a large negative number between query and passage: `(batch, 1, length, length)`."""
    side = graph.op("Cast", "token_type_ids", to=TensorProto.FLOAT)
    across, down = (graph.op("Unsqueeze", side, graph.integers(axis)) for axis in (1, 2))
    between = graph.op("Mul", graph.op("Abs", graph.op("Sub", across, down)), graph.number(-10000.0))
    return graph.op("Add", mask, graph.op("Unsqueeze", between, graph.integers(1)))


def attention_mask(graph: Graph) -> str:
    """0 where a token may be read, a large negative number where it is padding: `(batch, 1, 1, length)`."""
    mask = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = graph.op("Mul", graph.op("Sub", graph.number(1.0), mask), graph.number(-10000.0))
    return graph.op("Unsqueeze", mask, graph.integers(1, 2))


Axes = list["str | int"]


def finish(graph: Graph, outputs: dict[str, tuple[str, Axes]], inputs: list[str], width: int) -> onnx.ModelProto:
    """The checked model; `outputs` maps a name to its tensor and axes. The input `states` is float, the rest ids."""
    for name, (tensor, _) in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
    whole = helper.make_graph(
        graph.nodes,
        "shortlist",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "length", width])
            if name == "states"
            else helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in inputs
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, axes) for name, (_, axes) in outputs.items()],
        list(graph.constants.values()),
    )
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def encoder_graph(weights: Weights, storage: str) -> onnx.ModelProto:
    """Token ids and mask -> `sentence_embedding` `(batch, width)`: mean over real tokens, not yet normalised."""
    shape = BertShape()
    graph = Graph(storage)
    states = embeddings(graph, weights, shape, types=False)
    mask = attention_mask(graph)
    for number in range(shape.layers):
        states = layer(graph, states, mask, weights, f"encoder.layer.{number}", shape, cls=False)
    share = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    total = graph.op("MatMul", graph.op("Unsqueeze", share, graph.integers(1)), states)
    total = graph.op("Squeeze", total, graph.integers(1))
    mean = graph.op("Div", total, graph.op("ReduceSum", share, graph.integers(1), keepdims=1))
    outputs: dict[str, tuple[str, Axes]] = {"sentence_embedding": (mean, ["batch", shape.width])}
    return finish(graph, outputs, ["input_ids", "attention_mask"], shape.width)


def head(graph: Graph, state: str, tokens: str, weights: Weights, prefix: str) -> str:
    """`(batch, 1)` logits: the [CLS] part, and both likenesses of `pairs.Head` at their scales."""
    pooled = graph.op("Tanh", graph.linear(state, weights, f"{prefix}.dense"))
    column = graph.constant(f"{prefix}.out.weight", weights[f"{prefix}.out.weight"].T)
    logits = graph.op(
        "Add", graph.op("MatMul", pooled, column), graph.constant(f"{prefix}.out.bias", weights[f"{prefix}.out.bias"])
    )
    scale = weights[f"{prefix}.scale"]
    for value, likeness in zip(scale, match(graph, tokens, weights, f"{prefix}.match"), strict=True):
        logits = graph.op("Add", logits, graph.op("Mul", likeness, graph.number(float(value))))
    return logits


def match(graph: Graph, tokens: str, weights: Weights, prefix: str) -> tuple[str, str]:
    """The likenesses of `pairs.Head` as nodes, each `(batch, 1)`: MaxSim, and the cosine of the mean states."""
    side = graph.op("Cast", "token_type_ids", to=TensorProto.FLOAT)
    real = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    passage = graph.op("Mul", side, real)
    query = graph.op("Mul", graph.op("Sub", graph.number(1.0), side), real)
    small = graph.linear(tokens, weights, f"{prefix}.project")
    small = graph.op("Div", small, length(graph, small, 1e-12))
    likeness = graph.op("MatMul", small, graph.op("Transpose", small, perm=[0, 2, 1]))
    outside = graph.op("Mul", graph.op("Sub", graph.number(1.0), passage), graph.number(10.0))
    likeness = graph.op("Sub", likeness, graph.op("Unsqueeze", outside, graph.integers(1)))
    best = graph.op("ReduceMax", likeness, graph.integers(2), keepdims=0)
    column = graph.constant(f"{prefix}.weigh.weight", weights[f"{prefix}.weigh.weight"].T)
    share = graph.op("Squeeze", graph.op("MatMul", tokens, column), graph.integers(2))
    outside = graph.op("Mul", graph.op("Sub", graph.number(1.0), query), graph.number(10000.0))
    share = graph.op("Softmax", graph.op("Sub", share, outside), axis=-1)
    mean = graph.op("ReduceSum", graph.op("Mul", share, best), graph.integers(1), keepdims=1)
    sums = [
        graph.op(
            "Squeeze", graph.op("MatMul", graph.op("Unsqueeze", part, graph.integers(1)), tokens), graph.integers(1)
        )
        for part in (query, passage)
    ]
    units = [graph.op("Div", total, length(graph, total, 1e-8)) for total in sums]
    cosine = graph.op("ReduceSum", graph.op("Mul", *units), graph.integers(1), keepdims=1)
    return mean, cosine


def length(graph: Graph, rows: str, least: float) -> str:
    """The Euclidean length of each row, at least `least`, the axis kept."""
    return graph.op("Max", graph.op("ReduceL2", rows, graph.integers(-1), keepdims=1), graph.number(least))


def stage_graph(weights: Weights, storage: str, first: int, last: int, shape: BertShape) -> onnx.ModelProto:
    """Layers `first` to `last`, counted from 1, and the head after the last of them.

    The first stage reads token ids, later ones read `states` `(batch, length, width)`; all read mask and types. The
    outputs are `logits` `(batch, 1)` and, before the model's last layer, `next_states` for the next stage. If `first`
    is above `last`, there is no layer and no `next_states`: the file is the head alone.
    """
    graph = Graph(storage)
    states = embeddings(graph, weights, shape, types=True) if first == 1 else "states"
    mask = attention_mask(graph)
    walled = wall(graph, mask) if first <= shape.apart else mask
    ends = last == shape.layers
    for number in range(first - 1, last - ends):
        seen = walled if number < shape.apart else mask
        states = layer(graph, states, seen, weights, f"encoder.layer.{number}", shape, cls=False)
    if ends:
        row = layer(graph, states, mask, weights, f"encoder.layer.{last - 1}", shape, cls=True)
    else:
        row = graph.op("Slice", states, graph.integers(0), graph.integers(1), graph.integers(1))
    state = graph.op("Squeeze", row, graph.integers(1))
    outputs: dict[str, tuple[str, Axes]] = {
        "logits": (head(graph, state, states, weights, f"heads.{last}"), ["batch", 1])
    }
    if not ends and first <= last:
        outputs["next_states"] = (states, ["batch", "length", shape.width])
    inputs = ["input_ids" if first == 1 else "states", "attention_mask", "token_type_ids"]
    return finish(graph, outputs, inputs, shape.width)


def stored(weights: Weights, storage: str) -> dict[str, NDArray[np.float32]]:
    """The weights as the file stores them, in fp32: a torch model with these gives the same scores."""
    out = {}
    for name, value in weights.items():
        kept = name.startswith(("embeddings.position", "embeddings.token_type")) or name.endswith(
            ("out.weight", "weigh.weight")
        )
        small = value.ndim == 2 and not kept
        if not small:
            out[name] = value
        elif storage == "fp16":
            out[name] = value.astype(np.float16).astype(np.float32)
        else:
            codes, scale = int8(value, axis=1)
            out[name] = codes.astype(np.float32) * scale
    return out
