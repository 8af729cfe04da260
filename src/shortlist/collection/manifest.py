"""`shortlist.json`: what an index folder is, written whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from shortlist.errors import IndexMismatch, IndexWriteFailed, NotAnIndex

FORMAT_VERSION = 5
"""Version 1 named every source by its absolute path, version 2 relative to the folder above the index. Version 3
stores where the text of a file with front matter starts, lists in metadata, and what of each source could not be read.
Version 4 keeps what filters ask for as indexed words. Version 5 gives the engine a folder of its own."""

FILE = "shortlist.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index folder is: the name of its bi-encoder, the length of a vector, and the name of its engine."""

    encoder: str
    dimension: int
    engine: str = "embedded"
    format_version: int = FORMAT_VERSION


def write(folder: Path, manifest: Manifest) -> None:
    """Replaces the file in one step.

    Raises:
        IndexWriteFailed: The disk is full or read-only.
    """
    partial = folder / f"{FILE}.part"
    try:
        with partial.open("w", encoding="utf-8") as out:
            json.dump(asdict(manifest), out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, folder / FILE)
    except OSError as error:
        raise IndexWriteFailed(f"can't write {folder / FILE}: {error.strerror or error}") from error


def read(folder: Path) -> Manifest:
    """The folder's manifest.

    Raises:
        NotAnIndex: No folder, no manifest in it, or one that can't be understood.
        IndexMismatch: Written in a newer or an older format.
    """
    path = folder / FILE
    hint = f"Make one with: shortlist add PATH --index {folder}"
    if not folder.is_dir():
        raise NotAnIndex(f"there is no index at {folder}. {hint}")
    if not path.is_file():
        raise NotAnIndex(f"{folder} is no shortlist index (it has no {FILE}). {hint}")
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        version = int(held["format_version"])
        if version > FORMAT_VERSION:
            raise IndexMismatch(
                f"{folder} has format {version}, newer than the {FORMAT_VERSION} that this version reads: "
                "upgrade shortlist, or make the index again"
            )
        if version < FORMAT_VERSION:
            raise IndexMismatch(
                f"{folder} has format {version}, older than the {FORMAT_VERSION} that this version reads: "
                f"delete the folder and make it anew with: shortlist add PATH --index {folder}"
            )
        return Manifest(**{field.name: held[field.name] for field in fields(Manifest)})
    except (ValueError, KeyError, TypeError) as error:
        raise NotAnIndex(f"{path} is damaged ({error}). Make the index again.") from error
