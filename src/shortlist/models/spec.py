"""What a model's own files say of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

INT8 = "int8.npz"
"""The file beside a cross-encoder's ONNX files that says how its linear layers may multiply in int8."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a model lies. `onnx` is None when no usable ONNX file exists; `onnx_reason` says why this file or none."""

    name: str
    folder: Path
    tokenizer: Path
    onnx: Path | None
    onnx_reason: str


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """A bi-encoder: `pooling` is "mean", "cls", "max" or "last"; prompts stand in front of the text.

    `normalize` is False for models that are compared by dot product: their vectors keep their lengths.
    """

    files: ModelFiles
    dimension: int
    max_length: int
    pooling: str
    normalize: bool
    query_prompt: str
    passage_prompt: str


@dataclass(frozen=True, slots=True)
class CrossEncoderSpec:
    """A cross-encoder with one output a pair: `activation` ("identity", "sigmoid") is what its files suggest.

    shortlist returns raw logits whatever the activation says. `stages` holds the files of a model that is cut into
    stages, in the order they run (`files.onnx` is the first of them); empty for a model in one file. `longest_query` is
    the longest query in tokens that the model is made for, where its files say so, and `int8` the file that says how
    its linear layers may multiply in int8.
    """

    files: ModelFiles
    max_length: int
    activation: str
    stages: tuple[Path, ...] = ()
    longest_query: int | None = None
    int8: Path | None = None
