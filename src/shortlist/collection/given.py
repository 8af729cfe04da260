"""What a call of `add` was given: files, documents or a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from shortlist.documents.options import ReadOptions
from shortlist.errors import InvalidInput
from shortlist.stores.kinds import is_store
from shortlist.types import Document

Kind: TypeAlias = Literal["files", "documents", "store"]


def kind_of(
    items: str | Path | Document | Mapping[str, object] | Iterable[str | Path | Document | Mapping[str, object]],
    *,
    prune: bool = False,
    options: ReadOptions | None = None,
    workers: int | None = None,
    ray: str | None = None,
) -> tuple[Kind, list[Any]]:
    """Return what the items are, and the items as a list. No items are files.

    Raises:
        InvalidInput: The items are something else or mixed, or an argument does not apply to items of this kind.
    """
    if not isinstance(items, str | Path | Document | Iterable):
        raise InvalidInput(
            f"items is {items!r:.80}: give a path, a Document, a dict with id and text, or a list of them"
        )
    given: list[Any] = [items] if isinstance(items, str | Path | Document | Mapping) else list(items)
    if any(isinstance(item, str) and is_store(item) for item in given):
        if prune:
            raise InvalidInput("prune is for files: a store is compared as a whole at each call", field="prune")
        for name, value in (("workers", workers), ("ray", ray)):
            if value is not None:
                raise InvalidInput(f"{name} is for files and documents: a store is read by one process", field=name)
        return "store", given
    paths = [item for item in given if isinstance(item, str | Path)]
    _check_options(options, paths)
    if paths and len(paths) < len(given):
        raise InvalidInput("paths and documents are mixed: add them in two calls")
    if paths or not given:
        return "files", given
    if prune:
        raise InvalidInput("prune is for files: documents without a file are removed by remove", field="prune")
    return "documents", given


def _check_options(options: Any, paths: list[Any]) -> None:
    """Raise an error for options of another type, and for options without a file."""
    if not isinstance(options, ReadOptions | None):
        raise InvalidInput(f"options is {options!r:.80}: give a ReadOptions", field="options")
    if options is not None and not paths:
        raise InvalidInput("options are for files: no file is given", field="options")
