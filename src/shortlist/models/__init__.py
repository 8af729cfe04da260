"""Where weights come from, the package, a folder or the hub, and what a model's files say about the model."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from shortlist.errors import ModelNotFound
from shortlist.models import hub
from shortlist.models.folder import read_cross_encoder, read_encoder
from shortlist.models.known import KNOWN, find
from shortlist.models.late_interaction import DOWNLOADS, read_late_interaction
from shortlist.models.packaged import packaged_folder
from shortlist.models.spec import CrossEncoderSpec, EncoderSpec, LateInteractionSpec, ModelFiles

__all__ = [
    "CrossEncoderSpec",
    "EncoderSpec",
    "LateInteractionSpec",
    "ModelFiles",
    "cross_encoder_spec",
    "encoder_spec",
    "late_interaction_spec",
    "locate",
]


def encoder_spec(name: str, *, onnx_file: str | None = None, weights: bool = False) -> EncoderSpec:
    """Return the spec of a bi-encoder. `name` is a packaged name, a folder, a known name or a hub id.

    With `weights`, a model of the hub is downloaded with its weights for torch: see `hub.pull`.

    Raises:
        ModelNotFound: There is no such model, or its folder lacks a file.
        HubUnreachable: The model must be downloaded, and the hub does not answer.
        ModelError: A file of the model cannot be read.
    """
    full_name, folder = locate(name, onnx_file, weights=weights)
    return read_encoder(folder, full_name, onnx_file)


def cross_encoder_spec(name: str, *, onnx_file: str | None = None, weights: bool = False) -> CrossEncoderSpec:
    """Return the spec of a cross-encoder. Arguments and errors are those of `encoder_spec`."""
    full_name, folder = locate(name, onnx_file, weights=weights)
    return read_cross_encoder(folder, full_name, onnx_file)


def late_interaction_spec(name: str, *, onnx_file: str | None = None) -> LateInteractionSpec:
    """Return the spec of a late-interaction model. Arguments and errors are those of `encoder_spec`."""
    full_name, folder = locate(name, onnx_file, more=DOWNLOADS)
    return read_late_interaction(folder, full_name, onnx_file)


def locate(
    name: str, onnx_file: str | None = None, *, weights: bool = False, more: Sequence[str] = ()
) -> tuple[str, Path]:
    """Return the full name of a model, and the folder with its files, which are downloaded if necessary.

    `more` are patterns of further files to download.

    Raises:
        ModelNotFound, HubUnreachable: See `encoder_spec`.
    """
    record = find(name)
    if record is not None and record.packaged:
        return record.id, packaged_folder(record.id)
    path = Path(name).expanduser()
    if path.is_dir():
        return path.resolve().as_posix(), path.resolve()
    if record is not None:
        return record.id, hub.pull(record.id, onnx_file, weights=weights, more=more)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        names = [spelling for known in KNOWN for spelling in (known.id, known.short_name)]
        similar = difflib.get_close_matches(name, names, n=3)
        packaged = " and ".join(known.id for known in KNOWN if known.packaged)
        hint = f"Did you mean {' or '.join(similar)}?" if similar else f"The packaged models are {packaged}"
        raise ModelNotFound(
            f"{name!r} is not a packaged model, an existing folder, or a hub id of the form org/name. {hint}"
        )
    return name, hub.pull(name, onnx_file, weights=weights, more=more)
