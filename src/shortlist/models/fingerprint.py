"""A hash of a cross-encoder's weights, to tell one model from another under the same name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from shortlist.models.spec import CrossEncoderSpec

TORCH_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_CHUNK = 1 << 20


def weights_hash(spec: CrossEncoderSpec) -> str:
    """The first 16 hex digits of the sha256 over the files that hold the model's weights, "" where none is found."""
    torch = [spec.files.folder / name for name in TORCH_WEIGHTS]
    files = [*spec.stages] or ([spec.files.onnx] if spec.files.onnx else [one for one in torch if one.is_file()][:1])
    made = hashlib.sha256()
    for file in files:
        for part in (file, *_outside(file)):
            with part.open("rb") as held:
                while chunk := held.read(_CHUNK):
                    made.update(chunk)
    return made.hexdigest()[:16] if files else ""


def _outside(file: Path) -> list[Path]:
    """Where an ONNX file keeps the weights that do not fit in it."""
    return [one for one in (Path(f"{file}_data"), Path(f"{file}.data")) if one.is_file()]
