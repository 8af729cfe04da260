from __future__ import annotations

import hashlib
from pathlib import Path

from shortlist.models.fingerprint import weights_hash
from shortlist.models.spec import CrossEncoderSpec, ModelFiles


def spec(folder: Path, onnx: str | None, stages=()):
    files = ModelFiles("m", folder, folder / "tokenizer.json", folder / onnx if onnx else None, "")
    return CrossEncoderSpec(files, 512, "identity", tuple(folder / stage for stage in stages))


def test_the_hash_covers_every_file_with_weights(tmp_path):
    for name, text in {"a.onnx": "1", "b.onnx": "2", "a.onnx_data": "3", "model.safetensors": "4"}.items():
        (tmp_path / name).write_text(text)
    assert weights_hash(spec(tmp_path, "a.onnx")) == hashlib.sha256(b"13").hexdigest()[:16]
    assert weights_hash(spec(tmp_path, "a.onnx", ["a.onnx", "b.onnx"])) == hashlib.sha256(b"132").hexdigest()[:16]
    assert weights_hash(spec(tmp_path, None)) == hashlib.sha256(b"4").hexdigest()[:16]
    before = weights_hash(spec(tmp_path, "a.onnx"))
    (tmp_path / "a.onnx_data").write_text("5")
    assert weights_hash(spec(tmp_path, "a.onnx")) != before
    (tmp_path / "model.safetensors").unlink()
    assert weights_hash(spec(tmp_path, None)) == ""
