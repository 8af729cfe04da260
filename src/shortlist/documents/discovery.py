"""Paths to sources: files named directly, folders walked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from shortlist.documents.formats import EXTENSIONS
from shortlist.documents.source import PassedOver, Skipped, Source, UnknownFormat
from shortlist.errors import InvalidInput

INDEX_MARK = "shortlist.json"
"""The file that tells a folder holding an index from a folder holding documents."""

_PASSED_OVER = frozenset({"node_modules", "__pycache__", "venv"})
_OF_BEIR = frozenset({"corpus.jsonl", "queries.jsonl", "qrels"})


def discover(paths: Sequence[Path]) -> tuple[list[Source], list[Skipped]]:
    """The sources under the given files and folders, each once, and the files that can't be read.

    Sources come in the order of `paths`, those of a folder sorted by path. While walking, hidden files and
    folders, `node_modules`, `__pycache__` and `venv` are `PassedOver`; folders holding an index are without a word.
    What is skipped is named by its absolute path, a link by its own and not its target's.
    A folder with `corpus.jsonl` and `queries.jsonl` or `qrels/` is one "beir" source, its corpus, and other files and
    folders in it are `PassedOver`. No paths give two empty lists.

    Raises:
        InvalidInput: a path does not exist.
    """
    seen: set[str] = set()
    sources: list[Source] = []
    skipped: list[Skipped] = []
    for path in paths:
        if not os.path.exists(path):
            raise InvalidInput(f"There is no file or folder {str(path)!r}. Check the path.")
        if os.path.isdir(path) and _is_index(path):
            skipped.append(_skip(_absolute(path), "a shortlist index, not documents"))
            continue
        for found in _walk(_absolute(path), seen):
            if isinstance(found, Source):
                sources.append(found)
            else:
                skipped.append(found)
    return sources, skipped


def _absolute(path: Path) -> str:
    """The path with the links in its folder resolved, itself not: a link is named by where it lies."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def _walk(top: str, seen: set[str]) -> Iterator[Source | Skipped]:
    """Everything under a path; `seen` holds the real paths already reached, so that loops of links end."""
    waiting = [top]
    while waiting:
        path = waiting.pop()
        real = os.path.realpath(path)
        if real in seen:
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
            yield _skip(path, f"the folder can't be read: {error.strerror}")
            continue
        if beir:
            yield from _corpus(folder, seen)
        else:
            waiting.extend(os.path.join(real, name) for name in reversed(names) if not _hidden(name))
        yield from _passed_over(real, names, beir)


def _corpus(folder: Path, seen: set[str]) -> Iterator[Source]:
    corpus = os.path.realpath(folder / "corpus.jsonl")
    if corpus not in seen:
        seen.add(corpus)
        yield Source(Path(corpus), "beir")


def _passed_over(folder: str, names: Sequence[str], beir: bool) -> Iterator[PassedOver]:
    for name in names:
        path = os.path.join(folder, name)
        if (_hidden(name) or (beir and name not in _OF_BEIR)) and not _is_index(Path(path)):
            reason = "hidden, or node_modules and the like" if _hidden(name) else "beside a BEIR corpus"
            yield PassedOver(_shown(path), "", reason)


def _file(path: str, real: str) -> Source | Skipped:
    if not os.path.isfile(real):
        return _skip(path, "not a regular file (a broken link, a device or a pipe)")
    try:
        real.encode("utf-8")
    except UnicodeEncodeError:
        return _skip(path, "the file name is not valid UTF-8; rename it")
    extension = os.path.splitext(real)[1].lower()
    if extension not in EXTENSIONS:
        return UnknownFormat(_shown(path), "", f"unsupported format {extension or '(no extension)'}")
    return Source(Path(real), EXTENSIONS[extension])


def _skip(path: str, reason: str) -> Skipped:
    return Skipped(_shown(path), "", reason)


def _shown(path: str) -> str:
    return path.encode("utf-8", "replace").decode("utf-8").replace(os.sep, "/")


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in _PASSED_OVER


def _is_index(folder: Path) -> bool:
    return os.path.isfile(folder / INDEX_MARK)


def _is_beir(folder: Path) -> bool:
    if not os.path.isfile(folder / "corpus.jsonl"):
        return False
    return os.path.isfile(folder / "queries.jsonl") or os.path.isdir(folder / "qrels")
