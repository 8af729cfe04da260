"""What a model's own files say of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
    """A bi-encoder: `pooling` is "mean", "cls", "max" or "last"; prompts stand in front of the text."""

    files: ModelFiles
    dimension: int
    max_length: int
    pooling: str
    normalize: bool
    query_prompt: str
    passage_prompt: str


@dataclass(frozen=True, slots=True)
class CrossEncoderSpec:
    """A cross-encoder: `labels` outputs a pair; `activation` ("identity", "sigmoid") is what its files suggest.

    shortlist returns raw logits whatever the activation says.
    """

    files: ModelFiles
    max_length: int
    labels: int
    activation: str
