"""Tiny cross-encoders in the form of the packaged reranker, with layers of random weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx

import tiny

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "training"))

import graph  # noqa: E402

WIDTH, WIDE, HEADS, MATCH, POSITIONS = 16, 24, 2, 6, 64
SPREAD = 0.4
"""The standard deviation of the weights."""


def random_weights(layers: int, exits: tuple[int, ...], seed: int = 3) -> dict[str, np.ndarray]:
    """BERT's weights for the words of `tiny`, and heads after the exits."""
    draw = np.random.default_rng(seed)

    def table(*size: int, mean: float = 0.0) -> np.ndarray:
        return (draw.normal(size=size) * SPREAD + mean).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": table(len(tiny.WORDS), WIDTH) * 3,
        "embeddings.position_embeddings.weight": table(POSITIONS, WIDTH) * 0.1,
        "embeddings.token_type_embeddings.weight": table(2, WIDTH),
    }
    norms = {"embeddings.LayerNorm": WIDTH}
    linears = {}
    for number in range(layers):
        layer = f"encoder.layer.{number}"
        linears |= {f"{layer}.attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        linears |= {f"{layer}.attention.output.dense": (WIDTH, WIDTH), f"{layer}.intermediate.dense": (WIDE, WIDTH)}
        linears |= {f"{layer}.output.dense": (WIDTH, WIDE)}
        norms |= {f"{layer}.attention.output.LayerNorm": WIDTH, f"{layer}.output.LayerNorm": WIDTH}
    for level in exits:
        head = f"heads.{level}"
        linears |= {f"{head}.dense": (WIDTH, WIDTH), f"{head}.out": (1, WIDTH)}
        linears |= {f"{head}.match.project": (MATCH, WIDTH), f"{head}.match.weigh": (1, WIDTH)}
        weights[f"{head}.scale"] = np.array([1.0, 1.0], dtype=np.float32)
    for name, size in linears.items():
        weights[f"{name}.weight"], weights[f"{name}.bias"] = table(*size), table(size[0])
    for name, size in norms.items():
        weights[f"{name}.weight"], weights[f"{name}.bias"] = table(size, mean=1.0), table(size)
    return weights


def pair_model(folder: Path, *, exits: tuple[int, ...] = (1, 3), apart: int = 0, storage: str = "int8") -> Path:
    """Write a model folder with the last of `exits` as its number of layers."""
    folder.mkdir()
    layers = exits[-1]
    shape = graph.BertShape(WIDTH, HEADS, layers, 1e-12, apart, 16 if apart else None)
    weights = random_weights(layers, exits)
    for before, last in zip([0, *exits], exits, strict=False):
        onnx.save(graph.stage_graph(weights, storage, before + 1, last, shape), folder / f"stage-{last}.onnx")
    config = {
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": POSITIONS,
        "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
        "shortlist_stages": [f"stage-{level}.onnx" for level in exits],
    }
    if apart:
        config |= {"shortlist_apart": apart}
    (folder / "config.json").write_text(json.dumps(config))
    tiny.write_tokenizer(folder)
    return folder
