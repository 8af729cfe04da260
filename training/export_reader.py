"""`python training/export_reader.py CHECKPOINT --to FOLDER`: a checkpoint of `learn.py` -> two ONNX files.

`lower.onnx`: `input_ids` and `attention_mask` of queries or of passages -> `states` (the query's rows begin there),
`memory` (what a passage's index keeps) and `sentence_embedding`, not yet normalised. `reader.onnx`: one query against a
batch of passages. It reads `rows` `(batch, rows, 384)`, `memory` `(batch, tokens, width)`, `memory_mask`, `exact`
`(batch, rows, 2)` where the model wants it (1 where the row's token stands in the passage, and BM25's count of it), and
`cosine` `(batch, 1)`; it gives `logits` `(batch, 1)`. The command ends with the largest difference to torch.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

import config
import encoder
import graph
import judge
from export import write_tokenizer
from reader import GAIN, HEADS, Reader, Shape, memory_of, units_of
from states import WIDTH, Store

Weights = Mapping[str, NDArray[np.float32]]


def lower_graph(model: Reader, weights: Weights, storage: str) -> onnx.ModelProto:
    """The bi-encoder with the states that the reader begins from as further outputs."""
    shape, made = graph.BertShape(), graph.Graph(storage)
    own = {name: value.numpy() for name, value in encoder.bert().state_dict().items()}
    states, mask = graph.embeddings(made, own, shape, types=False), graph.attention_mask(made)
    levels = {}
    for number in range(1, shape.layers + 1):
        states = graph.layer(made, states, mask, own, f"encoder.layer.{number - 1}", shape, cls=False)
        levels[number] = states
    memory = [levels[at] for at in model.shape.memory]
    memory = made.op("Concat", *memory, axis=-1) if len(memory) > 1 else memory[0]
    if model.shape.narrow:
        memory = made.linear(memory, weights, "narrow")
    share = made.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    total = made.op("MatMul", made.op("Unsqueeze", share, made.integers(1)), states)
    total = made.op("Squeeze", total, made.integers(1))
    mean = made.op("Div", total, made.op("ReduceSum", share, made.integers(1), keepdims=1))
    outputs: dict[str, tuple[str, graph.Axes]] = {
        "states": (levels[model.shape.begin], ["batch", "length", WIDTH]),
        "memory": (memory, ["batch", "length", model.width]),
        "sentence_embedding": (mean, ["batch", WIDTH]),
    }
    return graph.finish(made, outputs, ["input_ids", "attention_mask"], WIDTH)


def reader_graph(shape: Shape, width: int, weights: Weights, storage: str) -> onnx.ModelProto:
    """The upper layers and the head."""
    made = graph.Graph(storage)
    rows = made.op("Add", "rows", made.constant("side", weights["side"]))
    if shape.exact:
        rows = made.op("Add", rows, made.op("MatMul", "exact", made.matrix("exact.weight", weights["exact.weight"].T)))
    mask = made.op("Cast", "memory_mask", to=TensorProto.FLOAT)
    outside = made.op("Mul", made.op("Sub", made.number(1.0), mask), made.number(-10000.0))
    for number in range(len(shape.upper)):
        rows = _layer(made, rows, outside, weights, f"layers.{number}")
    first = made.op("Slice", rows, made.integers(0), made.integers(1), made.integers(1))
    state = made.op("Tanh", made.linear(made.op("Squeeze", first, made.integers(1)), weights, "dense"))
    logits = made.linear(state, weights, "out")
    gain = [made.number(float(value) * GAIN) for value in weights["gain"]]
    if shape.likeness:
        logits = made.op("Add", logits, made.op("Mul", _likeness(made, rows, outside, weights), gain[0]))
    if shape.cosine:
        logits = made.op("Add", logits, made.op("Mul", "cosine", gain[1]))
    if shape.lexical:
        counts = made.op("Slice", "exact", made.integers(1), made.integers(2), made.integers(2))
        words = _mean(made, "rows", made.op("Squeeze", counts, made.integers(2)), weights, "weigh_word")
        logits = made.op("Add", logits, made.op("Mul", words, gain[2]))
    inputs = {
        "rows": (TensorProto.FLOAT, ["batch", "rows", WIDTH]),
        "memory": (TensorProto.FLOAT, ["batch", "tokens", width]),
        "memory_mask": (TensorProto.INT64, ["batch", "tokens"]),
    }
    if shape.exact:
        inputs["exact"] = (TensorProto.FLOAT, ["batch", "rows", 2])
    if shape.cosine:
        inputs["cosine"] = (TensorProto.FLOAT, ["batch", 1])
    made.nodes.append(helper.make_node("Identity", [logits], ["logits"], name="logits"))
    whole = helper.make_graph(
        made.nodes,
        "shortlist",
        [helper.make_tensor_value_info(name, kind, axes) for name, (kind, axes) in inputs.items()],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1])],
        list(made.constants.values()),
    )
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def _layer(made: graph.Graph, rows: str, outside: str, weights: Weights, prefix: str) -> str:
    def split(states: str, *, turned: bool = False) -> str:
        states = made.op("Reshape", states, made.integers(0, 0, HEADS, WIDTH // HEADS))
        return made.op("Transpose", states, perm=[0, 2, 3, 1] if turned else [0, 2, 1, 3])

    def looked(query: str, keys: str, values: str, states: str) -> tuple[str, str]:
        found = made.op("MatMul", query, split(made.linear(states, weights, f"{prefix}.{keys}"), turned=True))
        return found, split(made.linear(states, weights, f"{prefix}.{values}"))

    asking = made.op("Mul", made.linear(rows, weights, f"{prefix}.query"), made.number((WIDTH // HEADS) ** -0.5))
    query = split(asking)
    own, own_values = looked(query, "key", "value", rows)
    other, other_values = looked(query, "memory_key", "memory_value", "memory")
    other = made.op("Add", other, made.op("Unsqueeze", outside, made.integers(1, 2)))
    share = made.op("Softmax", made.op("Concat", own, other, axis=-1), axis=-1)
    mixed = made.op("MatMul", share, made.op("Concat", own_values, other_values, axis=2))
    mixed = made.op("Reshape", made.op("Transpose", mixed, perm=[0, 2, 1, 3]), made.integers(0, 0, WIDTH))
    attended = made.op("Add", made.linear(mixed, weights, f"{prefix}.output"), rows)
    attended = made.norm(attended, weights, f"{prefix}.norm", 1e-12)
    widened = made.op("Gelu", made.linear(attended, weights, f"{prefix}.widen"))
    output = made.op("Add", made.linear(widened, weights, f"{prefix}.shrink"), attended)
    return made.norm(output, weights, f"{prefix}.last", 1e-12)


def _likeness(made: graph.Graph, rows: str, outside: str, weights: Weights) -> str:
    ours, theirs = made.linear(rows, weights, "match_row"), made.linear("memory", weights, "match_token")
    ours, theirs = (made.op("Div", side, graph.length(made, side, 1e-12)) for side in (ours, theirs))
    table = made.op("MatMul", ours, made.op("Transpose", theirs, perm=[0, 2, 1]))
    table = made.op("Add", table, made.op("Unsqueeze", outside, made.integers(1)))
    best = made.op("ReduceMax", table, made.integers(2), keepdims=0)
    return _mean(made, rows, best, weights, "weigh")


def _mean(made: graph.Graph, rows: str, values: str, weights: Weights, name: str) -> str:
    column = made.op("MatMul", rows, made.constant(f"{name}.weight", weights[f"{name}.weight"].T))
    column = made.op("Squeeze", column, made.integers(2))
    column = made.op("Add", column, made.constant(f"{name}.bias", weights[f"{name}.bias"]))
    share = made.op("Softmax", made.op("Clip", column, made.number(-15.0), made.number(15.0)), axis=-1)
    return made.op("ReduceSum", made.op("Mul", share, values), made.integers(1), keepdims=1)


def compare(folder: Path, model: Reader, store: Store, pools: list[dict[str, object]]) -> tuple[float, float]:
    """Largest difference of logits between the file and torch in fp32, and the spread of torch's logits."""
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "reader.onnx", providers=["CPUExecutionProvider"])
    names = {given.name for given in session.get_inputs()}
    wanted, made = [], []
    for pool in pools:
        block = {"queries": pool["queries"][:1], "passages": pool["passages"]}
        units = units_of([block], store, model.shape)
        units.rows, units.memory, units.exact = units.rows.float(), units.memory.float(), units.exact.float()
        with torch.inference_mode():
            wanted += model(units).tolist()
        query = block["queries"][0]
        count = len(store.ids(query))
        for place, text in enumerate(block["passages"]):
            memory = memory_of(store, text, model.shape.memory).bfloat16().float()
            with torch.inference_mode():
                memory = model.narrow(memory)
            at = units.first[place]
            feed = {
                "rows": units.rows[at : at + count][None].numpy(),
                "memory": memory[None].numpy(),
                "memory_mask": np.ones((1, len(memory)), dtype=np.int64),
                "exact": units.exact[at : at + count][None].numpy(),
                "cosine": units.cosines[place : place + 1][None].numpy(),
            }
            made.append(float(session.run(["logits"], {k: v for k, v in feed.items() if k in names})[0][0, 0]))
    return float(np.abs(np.array(wanted) - np.array(made)).max()), float(np.std(wanted))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--storage", default="int8", choices=("int8", "fp16"))
    asked, settings = parser.parse_args(), config.load()
    model = judge.load(asked.checkpoint).float()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    asked.to.mkdir(parents=True, exist_ok=True)
    onnx.save(lower_graph(model, weights, "fp16"), asked.to / "lower.onnx")
    onnx.save(reader_graph(model.shape, model.width, weights, asked.storage), asked.to / "reader.onnx")
    write_tokenizer(asked.to)
    shape = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(model.shape).items()}
    (asked.to / "config.json").write_text(json.dumps({"reader": shape, "memory_width": model.width}, indent=1) + "\n")
    options = settings["reader"]
    store = Store(settings["work"] / options["store"], options["levels"], options["window"])
    difference, spread = compare(asked.to, model, store, judge.held_pools(settings, store)[:10])
    sizes = {path.name: path.stat().st_size for path in sorted(asked.to.iterdir())}
    print(f"largest difference to torch in fp32 {difference:.4f}, spread of logits {spread:.2f}; bytes {sizes}")


if __name__ == "__main__":
    main()
