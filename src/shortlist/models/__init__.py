"""Where weights come from: the package, a local folder, or the hub; and what the model's files say."""

from __future__ import annotations

import difflib
from pathlib import Path

from shortlist.errors import ModelNotFound
from shortlist.models import hub
from shortlist.models.folder import read_cross_encoder, read_encoder
from shortlist.models.known import CATALOGUE, find
from shortlist.models.packaged import packaged_folder
from shortlist.models.spec import CrossEncoderSpec, EncoderSpec, ModelFiles

__all__ = ["CrossEncoderSpec", "EncoderSpec", "ModelFiles", "cross_encoder_spec", "encoder_spec", "locate"]


def encoder_spec(name: str, *, onnx_file: str | None = None) -> EncoderSpec:
    """The spec of bi-encoder `name`: a packaged name, a local folder, a catalogue name or a hub id.

    Raises:
        ModelNotFound: None of these, or a folder without the needed files.
        HubUnreachable: It has to be downloaded and the hub does not answer.
        ModelError: Its files can't be read.
    """
    known, folder = locate(name, onnx_file)
    return read_encoder(folder, known, onnx_file)


def cross_encoder_spec(name: str, *, onnx_file: str | None = None) -> CrossEncoderSpec:
    """The spec of cross-encoder `name`; accepts and raises as `encoder_spec` does."""
    known, folder = locate(name, onnx_file)
    return read_cross_encoder(folder, known, onnx_file)


def locate(name: str, onnx_file: str | None = None) -> tuple[str, Path]:
    """The full name of a model and the folder that holds its files, downloading them if need be."""
    record = find(name)
    if record is not None and record.packaged:
        return record.id, packaged_folder(record.id)
    path = Path(name).expanduser()
    if path.is_dir():
        return path.resolve().as_posix(), path.resolve()
    if record is not None:
        return record.id, hub.pull(record.id, onnx_file)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        names = [part for one in CATALOGUE for part in (one.id, one.id.rsplit("/", 1)[-1])]
        close = difflib.get_close_matches(name, names, n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise ModelNotFound(
            f"{name!r} is no packaged model, no existing folder and no hub id of the form org/name.{hint}"
        )
    return name, hub.pull(name, onnx_file)
