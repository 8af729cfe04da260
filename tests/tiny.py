"""Small models for tests: real ONNX files of a few kilobytes with a real tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "a",
    "the",
    "cat",
    "dog",
    "sat",
    "runs",
    "not",
    "no",
    "server",
    "local",
    "file",
    "query",
    "passage",
    "red",
    "blue",
    "green",
]
WIDTH = 8


def write_tokenizer(folder: Path, words: list[str] = WORDS) -> None:
    """Write a tokenizer.json with one token for each word. [CLS] and [SEP] are the third and the fourth word."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def save(
    folder: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    outputs: str | list[str],
    file: str,
    *,
    start: str = "input_ids",
) -> None:
    """Write an ONNX file. `start` is "input_ids", or "states" for a later stage."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    if start == "states":
        inputs[0] = helper.make_tensor_value_info("states", TensorProto.FLOAT, ["batch", "length", WIDTH])
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ([outputs] if isinstance(outputs, str) else outputs)
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def table() -> np.ndarray:
    """The token states: one row for each word."""
    return np.random.default_rng(5).normal(size=(len(WORDS), WIDTH)).astype(np.float32)


def encoder(
    folder: Path, *, file: str = "onnx/model.onnx", pooling: str | None = "mean_tokens", **config: object
) -> Path:
    """Write a bi-encoder whose token states are rows of a fixed table."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder)
    settings = {"hidden_size": WIDTH, "max_position_embeddings": 16, "model_type": "bert", **config}
    (folder / "config.json").write_text(json.dumps(settings))
    if pooling:
        (folder / "modules.json").write_text(
            json.dumps(
                [
                    {"path": "", "type": "sentence_transformers.models.Transformer"},
                    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
                    {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
                ]
            )
        )
        (folder / "1_Pooling").mkdir(exist_ok=True)
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
    save(folder, nodes, {"table": table()}, "last_hidden_state", file)
    return folder


def cross_encoder(
    folder: Path,
    *,
    file: str = "onnx/model.onnx",
    labels: int = 1,
    fault: float = 0.0,
    window: int = 64,
    shows_batch: bool = False,
) -> Path:
    """Write a cross-encoder: the mean of a fixed number per word over a pair's real tokens, plus `fault`.

    If `shows_batch` is True, the logit also has a hundred for each row and each token of the batch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder)
    settings = {
        "hidden_size": WIDTH,
        "max_position_embeddings": window,
        "model_type": "bert",
        "id2label": {str(i): f"LABEL_{i}" for i in range(labels)},
        "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
    }
    (folder / "config.json").write_text(json.dumps(settings))
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["values"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["values", "mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axis"], ["sum"], keepdims=1),
        helper.make_node("ReduceSum", ["mask", "axis"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("Add", ["mean", "fault"], ["sound" if shows_batch else "logits"]),
    ]
    if shows_batch:
        nodes += [
            helper.make_node("Shape", ["input_ids"], ["shape"]),
            helper.make_node("Cast", ["shape"], ["sizes"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["sizes"], ["size"], keepdims=0),
            helper.make_node("Mul", ["size", "hundred"], ["shown"]),
            helper.make_node("Add", ["sound", "shown"], ["logits"]),
        ]
    constants = {
        "hundred": np.array(100.0, dtype=np.float32),
        "table": np.arange(len(WORDS), dtype=np.float32),
        "axis": np.array([1], dtype=np.int64),
        "fault": np.array(fault, dtype=np.float32),
    }
    save(folder, nodes, constants, "logits", file)
    return folder


def _mean_state(before: str) -> list[onnx.NodeProto]:
    """The nodes that compute `logits`, the mean of the states `before` of the pair's real tokens."""
    return [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axis"], ["row"]),
        helper.make_node("MatMul", ["row", before], ["total"]),
        helper.make_node("ReduceMean", ["total"], ["sum"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["sum", "axis"], ["column"]),
        helper.make_node("ReduceSum", ["mask", "axis"], ["count"], keepdims=1),
        helper.make_node("Div", ["column", "count"], ["logits"]),
    ]


def codec(folder: Path) -> None:
    """Write a codec of the token states, with half of the components in four bits."""
    states = table()
    _, basis = np.linalg.eigh(np.cov(states.T))
    basis = basis[:, ::-1].astype(np.float16)
    np.savez(
        folder / "states.npz",
        mean=states.mean(axis=0),
        basis=basis,
        scale=((states - states.mean(axis=0)) @ basis.astype(np.float32)).std(axis=0),
        levels_4=np.linspace(-2.25, 2.25, 16, dtype=np.float32),
        levels_2=np.linspace(-1.5, 1.5, 4, dtype=np.float32),
        four_bits=WIDTH // 2,
    )


def staged(
    folder: Path, stages: int = 3, *, drop: bool = False, window: int = 64, apart: bool = False, exit_file: bool = True
) -> Path:
    """Write a cross-encoder in stages, with a drop rule if `drop` is True.

    Each stage doubles the token states. A logit is the mean state of the pair's real tokens. If `apart` is True, the
    model can store the states after the first stage; `exit_file` writes the head after this stage alone, too.
    """
    cross_encoder(folder, window=window)
    names = [f"stage-{number}.onnx" for number in range(1, stages + 1)]
    for number, name in enumerate(names):
        last = number == stages - 1
        nodes = [
            helper.make_node("Gather", ["table", "input_ids"], ["before"])
            if number == 0
            else helper.make_node("Mul", ["states", "two"], ["before"]),
            helper.make_node("Identity", ["before"], ["next_states"]),
            *_mean_state("before"),
        ]
        constants = {"axis": np.array([1], dtype=np.int64)}
        if number == 0:
            constants["table"] = table()
        else:
            constants["two"] = np.array(2.0, dtype=np.float32)
        outputs = ["logits"] if last else ["logits", "next_states"]
        save(folder, nodes, constants, outputs, name, start="input_ids" if number == 0 else "states")
    config = json.loads((folder / "config.json").read_text())
    config["shortlist_stages"] = names
    if apart:
        codec(folder)
        config["shortlist_apart"] = 1
    if apart and exit_file:
        axis = {"axis": np.array([1], dtype=np.int64)}
        save(folder, _mean_state("states"), axis, "logits", "exit-1.onnx", start="states")
        config["shortlist_exit"] = "exit-1.onnx"
    (folder / "config.json").write_text(json.dumps(config))
    if drop:
        rule = {"share": [0.5] * (stages - 1), "least": 1, "entering": 1.0}
        (folder / "drop.json").write_text(json.dumps({"beside": rule, "alone": rule}))
    return folder
