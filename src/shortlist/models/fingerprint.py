"""A hash of a cross-encoder's weights, which distinguishes models with the same name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from shortlist.models.spec import WEIGHTS, CrossEncoderSpec

_CHUNK = 1 << 20


def weights_hash(spec: CrossEncoderSpec) -> str:
    """Return the first 16 hex digits of the SHA-256 of the files with the weights, or an empty string without any."""
    torch_files = [file for file in (spec.files.folder / name for name in WEIGHTS) if file.is_file()]
    return files_hash([*spec.stages] or ([spec.files.onnx] if spec.files.onnx else torch_files[:1]))


def files_hash(files: Sequence[Path]) -> str:
    """Return the first 16 hex digits of the SHA-256 of files with their external data; "" without files."""
    digest = hashlib.sha256()
    for file in files:
        for part in (file, *_external_data(file)):
            with part.open("rb") as content:
                while chunk := content.read(_CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()[:16] if files else ""


def states_hash(spec: CrossEncoderSpec) -> str:
    """Return 16 hex digits for everything that stored states depend on besides the text; empty if none can be stored.

    The parts are the first stage, the tokenizer and the codec.
    """
    if spec.codec is None:
        return ""
    digest = hashlib.sha256()
    for file in (spec.stages[0], spec.files.tokenizer, spec.codec):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _external_data(file: Path) -> list[Path]:
    """The files with the weights that do not fit into the ONNX file."""
    return [path for path in (Path(f"{file}_data"), Path(f"{file}.data")) if path.is_file()]
