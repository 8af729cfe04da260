"""A small late-interaction model: a real ONNX file whose token states depend on the tokens that attention reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]", ",", ".", "!"]
WORDS += ["a", "the", "cat", "dog", "sat", "runs", "red", "blue", "server", "file"]
WIDTH, DIMENSION = 8, 4
METADATA = {
    "query_token_id": "[unused0]",
    "doc_token_id": "[unused1]",
    "query_maxlen": 8,
    "doc_maxlen": 12,
    "dim": WIDTH,
    "mask_punctuation": True,
    "attend_to_mask_tokens": False,
    "similarity": "cosine",
}


def table() -> np.ndarray:
    """A state for each word."""
    return np.random.default_rng(7).normal(size=(len(WORDS), WIDTH)).astype(np.float32)


def projection() -> np.ndarray:
    """A linear layer from states to vectors."""
    return np.random.default_rng(8).normal(size=(DIMENSION, WIDTH)).astype(np.float32)


def write_tensors(file: Path, tensors: dict[str, np.ndarray], kind: str = "F32") -> Path:
    """Write a safetensors file."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, values in tensors.items():
        if kind == "BF16":
            raw = (values.astype("<f4").view(np.uint32) >> 16).astype("<u2").tobytes()
        else:
            raw = values.astype({"F32": "<f4", "F16": "<f2", "I64": "<i8"}[kind]).tobytes()
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    head = json.dumps(header).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(head).to_bytes(8, "little") + head + body)
    return file


def model(folder: Path, *, file: str = "model.onnx", metadata: dict[str, object] | None = None) -> Path:
    """Write the model. A token's state is its row of the table plus the mean row of the tokens in the mask."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    import tiny

    folder.mkdir(parents=True, exist_ok=True)
    tiny.write_tokenizer(folder, WORDS)
    config = {"hidden_size": WIDTH, "max_position_embeddings": 16, "model_type": "bert"}
    (folder / "config.json").write_text(json.dumps(config))
    if metadata is not None:
        (folder / "artifact.metadata").write_text(json.dumps(metadata))
    names = ("input_ids", "attention_mask")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in names]
    output = helper.make_tensor_value_info("contextual", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["states"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axis"], ["row"]),
        helper.make_node("MatMul", ["row", "states"], ["total"]),
        helper.make_node("ReduceSum", ["row", "last"], ["count"], keepdims=1),
        helper.make_node("Div", ["total", "count"], ["mean"]),
        helper.make_node("Add", ["states", "mean"], ["contextual"]),
    ]
    constants = {"table": table(), "axis": np.array([1], dtype=np.int64), "last": np.array([2], dtype=np.int64)}
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "late", inputs, [output], weights)
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return folder


def colbert(folder: Path, **metadata: object) -> Path:
    """Write a model with the files of ColBERT, whose ONNX file returns the vectors."""
    return model(folder, metadata={**METADATA, **metadata})


def pylate(folder: Path, **settings: object) -> Path:
    """Write a model with the files of PyLate, whose projection is a file of its own."""
    model(folder, file="onnx/model.onnx")
    values = {
        "similarity_fn_name": "MaxSim",
        "query_prefix": "[unused0]",
        "document_prefix": "[unused1]",
        "query_length": 8,
        "document_length": 12,
        "attend_to_expansion_tokens": False,
        "skiplist_words": [",", ".", "!"],
        **settings,
    }
    (folder / "config_sentence_transformers.json").write_text(json.dumps(values))
    modules = [{"path": "", "type": "sentence_transformers.models.Transformer"}]
    modules += [{"path": "1_Dense", "type": "pylate.models.Dense.Dense"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 11}))
    write_tensors(folder / "1_Dense" / "model.safetensors", {"linear.weight": projection()})
    dense = {"in_features": WIDTH, "out_features": DIMENSION, "activation_function": "torch.nn.Identity"}
    (folder / "1_Dense" / "config.json").write_text(json.dumps(dense))
    return folder


def states(ids: list[int], attended: int) -> np.ndarray:
    """What the ONNX file returns for these tokens."""
    rows = table()[ids]
    return rows + rows[:attended].mean(axis=0)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def ids_of(text: str, marker: str) -> list[int]:
    """The tokens of a text of known words, with the special tokens and the marker."""
    return [WORDS.index(word) for word in ("[CLS]", marker, *text.split(), "[SEP]")]


def reference(
    query: str, text: str, *, length: int = 8, attend: bool = False, layer: np.ndarray | None = None
) -> float:
    """MaxSim by loops, from the paper's formula. Words and punctuation stand between spaces."""
    asked = ids_of(query, "[unused0]")
    real = len(asked)
    asked += [WORDS.index("[MASK]")] * (length - real)
    read = ids_of(text, "[unused1]")
    project = np.eye(WIDTH, dtype=np.float32) if layer is None else layer
    query_rows = unit(states(asked, len(asked) if attend else real) @ project.T)
    rows = unit(states(read, len(read)) @ project.T)
    kept = [row for token, row in zip(read, rows, strict=True) if WORDS[token] not in ",.!"]
    total = 0.0
    for query_row in query_rows:
        total += max(float(query_row @ row) for row in kept)
    return total
