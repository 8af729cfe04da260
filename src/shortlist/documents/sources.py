"""Which files there are, and each one's reader."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from shortlist.documents import docx, html, jsonl, pdf, plain, table
from shortlist.documents.parts import Skipped, Source
from shortlist.errors import InvalidInput
from shortlist.types import Document

FORMATS = {
    ".txt": "txt",
    ".text": "txt",
    ".rst": "txt",
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
READERS: dict[str, Callable[[Source], Iterator[Document | Skipped]]] = {
    "txt": plain.read,
    "md": plain.read,
    "html": html.read,
    "pdf": pdf.read,
    "docx": docx.read,
    "jsonl": jsonl.read,
    "beir": jsonl.read,
    "csv": table.read,
}
PASSED_OVER = {"node_modules", "__pycache__"}
INDEX_MARK = "shortlist.json"


def discover(paths: Sequence[Path]) -> tuple[list[Source], list[Skipped]]:
    """Every readable file under `paths` once, in a fixed order, and the files of unknown formats.

    Folders are walked; hidden entries, node_modules, __pycache__ and shortlist indexes are passed over.

    Raises:
        InvalidInput: A path does not exist.
    """
    sources: dict[Path, Source] = {}
    skipped: list[Skipped] = []
    for given in paths:
        path = given.expanduser()
        if not path.exists():
            raise InvalidInput(f"{given} does not exist")
        for file in _walk(path.resolve()):
            if file.is_dir():
                sources[file] = Source(file / "corpus.jsonl", "beir")
            elif (kind := FORMATS.get(file.suffix.lower())) is not None:
                sources[file] = Source(file, kind)
            else:
                skipped.append(Skipped(file.as_posix(), "", f"unsupported format {file.suffix or '(no extension)'}"))
    return list(sources.values()), skipped


def _walk(path: Path) -> Iterator[Path]:
    """Files below `path`; a BEIR folder comes out as the folder itself."""
    if path.is_file():
        yield path
        return
    for root, folders, files in os.walk(path):
        here = Path(root)
        if INDEX_MARK in files:
            folders.clear()
            continue
        if "corpus.jsonl" in files and ("queries.jsonl" in files or "qrels" in folders):
            folders.clear()
            yield here
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in PASSED_OVER)
        for name in sorted(files):
            if not name.startswith("."):
                yield here / name


def fingerprint(source: Source) -> str:
    """A hash of the file's bytes, read in pieces.

    Raises:
        OSError: The file can't be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    with source.path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def read(source: Source) -> Iterator[Document | Skipped]:
    """The source's documents, and what of it could not be read; bad content never raises."""
    try:
        for made in READERS[source.format](source):
            if isinstance(made, Document) and not made.text.strip() and not made.title.strip():
                yield Skipped(source.name, "", "empty")
            else:
                yield made
    except OSError as error:
        yield Skipped(source.name, "", f"can't be read: {error.strerror or error}")
