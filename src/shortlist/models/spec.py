"""What a model's own files say about the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

INT8 = "int8.npz"
"""The file with the activation ranges of a cross-encoder, next to its ONNX files."""
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The names of the file with the weights for torch."""
STATES = "states.npz"
"""The file with the codec of stored states, next to the ONNX files."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of a model. `onnx` is None without a usable ONNX file; `onnx_reason` explains the choice.

    `weights` is the file with the weights for torch, or None if there is none that shortlist can run.
    """

    name: str
    folder: Path
    tokenizer: Path
    onnx: Path | None
    onnx_reason: str
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """A bi-encoder.

    `pooling` is "mean", "cls", "max" or "last". The prompts are put in front of a text. `normalize` is False for a
    model whose vectors are compared by dot product: they keep their lengths.
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
    """A cross-encoder with one output for a pair.

    `activation`, "identity" or "sigmoid", is what the model's files suggest; scores are raw logits all the same.
    `stages` are the files of a model in stages, in the order in which they run, `files.onnx` first; empty for a model
    in one file. `longest_query` is the longest query in tokens that the model is made for, if its files state it.
    `int8` is the file with the activation ranges for int8, if there is one. `codec` is the file with the codec of
    stored states, if the first stage computes the query and the passage apart. `first_exit` is the file with the head
    after the first stage alone, which reads token states.
    """

    files: ModelFiles
    max_length: int
    activation: str
    stages: tuple[Path, ...] = ()
    longest_query: int | None = None
    int8: Path | None = None
    codec: Path | None = None
    first_exit: Path | None = None


@dataclass(frozen=True, slots=True)
class LateInteractionSpec:
    """A late-interaction model: a vector for each token of a query, and for each token of a passage.

    `query_marker` and `passage_marker` are the tokens that stand before a text. If `expands` is true, queries are
    filled with `mask` tokens to `query_length` tokens, and `attends` tells whether the other tokens read them.
    `passage_length` is the most tokens of a passage, and `max_length` those of a query. The vectors of the tokens in
    `skipped` are left out of passages. A vector has `dimension` numbers. `projections` are the files with the linear
    layers that make it from the model's states, for an ONNX file that ends before them.
    """

    files: ModelFiles
    query_marker: str
    passage_marker: str
    mask: str
    query_length: int
    passage_length: int
    max_length: int
    dimension: int
    expands: bool
    attends: bool
    skipped: tuple[str, ...]
    projections: tuple[Path, ...]
