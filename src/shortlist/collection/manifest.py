"""`shortlist.json`: the description of an index folder, written as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shortlist.atomic_io import write_whole
from shortlist.collection.ledger import FILE as LEDGER_FILE
from shortlist.collection.lock import FILE as LOCK_FILE
from shortlist.errors import IndexMismatch, IndexWriteFailed, InvalidInput, NotAnIndex
from shortlist.text.terms import checked_language

FORMAT_VERSION = 6
"""The version of an index folder. An index of another version is not opened: it is built again."""

SERVER_VERSION = 1
"""The version of an index on a server."""

FILE = "shortlist.json"
ENGINE_FOLDER = "engine"
"""The folder inside the index folder that belongs to the engine."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index is: the name of its bi-encoder, the length of a vector, the name of its engine.

    `language` is that of BM25's terms, or "" before the first text is added.
    """

    encoder: str
    dimension: int
    engine: str
    language: str = ""
    format_version: int = FORMAT_VERSION


def write(folder: Path, manifest: Manifest) -> None:
    """Replace the file in one step.

    Raises:
        IndexWriteFailed: The disk is full or read-only.
    """
    write_whole(folder / FILE, json.dumps(asdict(manifest), indent=1) + "\n", IndexWriteFailed)


def read(folder: Path) -> Manifest:
    """Return the manifest of a folder.

    Raises:
        NotAnIndex: There is no folder, no manifest in it, or a damaged one.
        IndexMismatch: The index has a newer or an older format.
    """
    path = folder / FILE
    build = f"shortlist add PATH --index {folder}"
    if folder.is_file():
        raise NotAnIndex(f"{folder} is a file, and an index is a folder: give the folder of an index")
    if not folder.is_dir():
        raise NotAnIndex(f"there is no index at {folder}: make one with: {build}")
    if not path.is_file():
        check_not_lost(folder)
        raise NotAnIndex(f"{folder} is not a shortlist index (it has no {FILE}): make one with: {build}")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        version = fields["format_version"]
        if not isinstance(version, int):
            raise TypeError(f"format_version is {version!r:.40}")
        if version == FORMAT_VERSION:
            return _checked(Manifest(fields["encoder"], fields["dimension"], fields["engine"], fields["language"]))
    except (OSError, ValueError, KeyError, TypeError, InvalidInput) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise NotAnIndex(f"{path} is damaged ({reason}): delete the folder and rebuild it with: {build}") from error
    if version > FORMAT_VERSION:
        raise IndexMismatch(
            f"{folder} has index format {version}, and this version reads {FORMAT_VERSION}: upgrade shortlist, or "
            f"delete the folder and rebuild it with: {build}"
        )
    raise IndexMismatch(
        f"{folder} has the older index format {version}, and this version reads {FORMAT_VERSION}: delete the folder "
        f"and rebuild it with: {build}"
    )


def of_server(fields: Mapping[str, Any], name: str) -> Manifest:
    """Return the manifest of an index on a server from its stored fields. `name` is the name of the index.

    Raises:
        NotAnIndex: The fields are damaged.
        IndexMismatch: The index has another format.
    """
    try:
        manifest = _checked(Manifest(**fields))
    except (TypeError, ValueError) as error:
        raise NotAnIndex(f"the manifest of {name} is damaged ({error}): remove the index and rebuild it") from error
    if manifest.format_version != SERVER_VERSION:
        raise IndexMismatch(
            f"{name} has index format {manifest.format_version}, and this version reads {SERVER_VERSION}: upgrade "
            "shortlist, or build the index again"
        )
    return manifest


def check_not_lost(folder: Path) -> None:
    """Raise an error if a folder without a manifest has other files of an index.

    Raises:
        NotAnIndex: The folder has a ledger, or the folder of an engine with the lock file.
    """
    has_engine = (folder / ENGINE_FOLDER).is_dir() and (folder / LOCK_FILE).is_file()
    if has_engine or (folder / LEDGER_FILE).is_file():
        raise NotAnIndex(
            f"the index in {folder} has lost its {FILE}: delete the folder and build the index again with: "
            f"shortlist add PATH --index {folder}"
        )


def _checked(manifest: Manifest) -> Manifest:
    size = manifest.dimension
    if not isinstance(manifest.encoder, str) or not isinstance(manifest.engine, str):
        raise TypeError("encoder and engine must be names")
    if manifest.language:
        checked_language(manifest.language)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ValueError(f"dimension is {size!r:.40}")
    return manifest
