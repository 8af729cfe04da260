"""Paths to sources: named files, and the files of folders."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from shortlist.attributes import is_attribute
from shortlist.documents.common_titles import with_common_titles
from shortlist.documents.formats import EXTENSIONS, extension_of
from shortlist.documents.patterns import Patterns
from shortlist.documents.source import PassedOver, Skipped, Source, UnknownFormat
from shortlist.errors import InvalidInput
from shortlist.types import Note

INDEX_MARK = "shortlist.json"
"""A folder with this file is an index, not a folder of documents."""

_LEFT_OUT = frozenset({"node_modules", "__pycache__", "venv"})
_OF_BEIR = frozenset({"corpus.jsonl", "queries.jsonl", "qrels"})


def discover(paths: Sequence[Path], exclude: Sequence[str] = ()) -> tuple[list[Source], list[Skipped]]:
    """Return the sources in the given files and folders, each once, and the files that cannot be read.

    Sources are in the order of `paths`, and those of a folder are sorted by path. A walk reports hidden files and
    folders, `node_modules`, `__pycache__`, `venv`, and what the patterns of `exclude` match, as `PassedOver`. It leaves
    out index folders without a report. A pattern is as in .gitignore, and relative to the folder in `paths`.
    A folder with `corpus.jsonl` and `queries.jsonl` or `qrels/` is one source of the format "beir"; its other files and
    folders are `PassedOver`. Skipped files are named by their absolute path; a link is named by its own path. A
    pattern that matches nothing in the folders is an item without a path. No paths give two empty lists.

    Raises:
        InvalidInput: A path does not exist, or a pattern can match no path.
    """
    patterns = Patterns(exclude)
    seen: set[str] = set()
    sources: list[Source] = []
    skipped: list[Skipped] = []
    for path in paths:
        if not os.path.exists(path):
            raise InvalidInput(f"there is no file or folder {str(path)!r}{_remedy(str(path))}")
        if os.path.isdir(path) and _is_index(path):
            skipped.append(Skipped(_shown(_absolute(path)), "", Note("is_index")))
            continue
        for item in _walk(_absolute(path), patterns, seen):
            if isinstance(item, Source):
                sources.append(item)
            else:
                skipped.append(item)
    if any(map(os.path.isdir, paths)):
        skipped += [Skipped("", "", Note("pattern_unused", pattern=pattern)) for pattern in patterns.unused]
    return with_common_titles(sources, _is_hidden), skipped


def _remedy(path: str) -> str:
    """Return what to do about a path that does not exist. It may be a pattern, or the name of a function."""
    if is_attribute(path):
        return (
            f". add() takes files, folders and stores, and no function such as {path}: search it without an index "
            f"(--retriever {path}), or write its passages to a .jsonl file with id and text, and add the file"
        )
    if not glob.has_magic(path):
        store = ": check the path. If it is meant to be a store, the kind before the colon is unknown"
        return store if ":" in path and "@" in path else ": check the path"
    recursive = ", recursive=True" if "**" in path else ""
    return (
        ". add() takes files and folders, not patterns. In Python, give it the files of the pattern: "
        f"glob.glob({path!r}{recursive}), or those of Path.glob. Most shells expand a pattern without quotes, if a "
        "file matches"
    )


def _absolute(path: Path) -> str:
    """Return the absolute path. Links in its folder are resolved; the path itself may be a link."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def _walk(top: str, patterns: Patterns, seen: set[str]) -> Iterator[Source | Skipped]:
    """Yield everything below a path. `seen` contains the real paths that were visited, so that loops of links end."""
    waiting = [(top, "")]
    while waiting:
        path, below = waiting.pop()
        real = os.path.realpath(path)
        if real in seen:
            continue
        if below and (pattern := patterns.match(below, folder=os.path.isdir(real))):
            yield PassedOver(_shown(path), "", Note("excluded", pattern=pattern))
            continue
        seen.add(real)
        folder = Path(real)
        if not os.path.isdir(real):
            yield _file(path, real)
            continue
        beir = _is_beir(folder)
        if not beir and path != top and _is_index(folder):
            continue
        try:
            names = sorted(os.listdir(real))
        except OSError as error:
            yield Skipped(_shown(path), "", Note("folder_unreadable", error=error.strerror or type(error).__name__))
            continue
        if beir:
            yield from _corpus(folder, seen)
        else:
            start = f"{below}/" if below else ""
            read = [name for name in reversed(names) if not _is_hidden(name)]
            waiting.extend((os.path.join(real, name), start + name) for name in read)
        yield from _passed_over(real, names, beir)


def _corpus(folder: Path, seen: set[str]) -> Iterator[Source]:
    corpus = os.path.realpath(folder / "corpus.jsonl")
    if corpus not in seen:
        seen.add(corpus)
        yield Source(Path(corpus), "beir")


def _passed_over(folder: str, names: Sequence[str], beir: bool) -> Iterator[PassedOver]:
    for name in names:
        path = os.path.join(folder, name)
        if (_is_hidden(name) or (beir and name not in _OF_BEIR)) and not _is_index(Path(path)):
            yield PassedOver(_shown(path), "", Note("hidden") if _is_hidden(name) else Note("beside_beir"))


def _file(path: str, real: str) -> Source | Skipped:
    if not os.path.isfile(real):
        return Skipped(_shown(path), "", Note("not_regular"))
    try:
        real.encode("utf-8")
    except UnicodeEncodeError:
        return Skipped(_shown(path), "", Note("name_not_utf8"))
    extension = extension_of(real)
    if extension not in EXTENSIONS:
        return UnknownFormat(_shown(path), "", Note("unknown_format", extension=extension))
    return Source(Path(real), EXTENSIONS[extension])


def _shown(path: str) -> str:
    return path.encode("utf-8", "replace").decode("utf-8").replace(os.sep, "/")


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_OUT


def _is_index(folder: Path) -> bool:
    return os.path.isfile(folder / INDEX_MARK)


def _is_beir(folder: Path) -> bool:
    if not os.path.isfile(folder / "corpus.jsonl"):
        return False
    return os.path.isfile(folder / "queries.jsonl") or os.path.isdir(folder / "qrels")
