"""`shortlist export`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.console import remark
from shortlist.cli.options import Given, SearchedIndexOption, option, resolved, with_settings
from shortlist.cli.render.lists import MORE, SHOWN, print_left_out
from shortlist.errors import InvalidInput
from shortlist.redaction import without_secrets
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from shortlist.documents.export import Row
    from shortlist.protocols import ReturnsVectors
    from shortlist.types import Note, Passage

BATCH = 512
"""The number of vectors that are read at once."""


@with_settings("retriever", "fields")
def export(
    given: Given,
    out: Annotated[Path, option("--out", "FILE", "The file: .jsonl or .parquet. An existing file is replaced.")],
    index: SearchedIndexOption = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Also write the vector of each passage.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help=f"Name every row that is left out, not only the first {SHOWN}.")
    ] = False,
) -> None:
    """Write the passages of an index or a store into a file.

    Each row has id, text, title, document_id and metadata. The rows have the order of the index or the store. The
    command writes the whole file, or none. It leaves out rows of a store that repeat an id or have no text, and counts
    them. An empty index or store is an error.
    """
    from shortlist.atomic_io import check_place, written_whole
    from shortlist.documents.export import check_format, write
    from shortlist.opening import open_search

    check_format(out)
    check_place(out)
    settings = {**given, "retriever": given["retriever"] or ("hybrid" if index is not None else None)}
    config = resolved(settings).config.override({"rerank": False})
    if index is not None and config.is_foreign:
        raise InvalidInput(
            f"--index is {without_secrets(index)!r} and --retriever is {without_secrets(config.retriever)!r}: export "
            "writes the passages of one of them, so leave out the other one"
        )
    with open_search(config, index) as opened:
        opened.check_not_empty()
        left_out: list[Note] = []
        passages = opened.passages(left_out.append)
        if passages is None:
            raise InvalidInput(f"{opened.name} cannot list its passages, so they cannot be exported")
        store = opened.vector_store() if vectors else None
        if vectors and store is None:
            raise InvalidInput(f"{opened.name} has no vectors to export: leave out --vectors")
        rows, dimension = _rows(passages, store)
        with written_whole(out) as file:
            count = write(rows, file, out.suffix, dimension)
    remark(f"{counted(count, 'passage')} of {opened.name} written to {out}")
    print_left_out(left_out, None if verbose else SHOWN, MORE)


def _rows(passages: Iterator[Passage], store: ReturnsVectors | None) -> tuple[Iterator[Row], int | None]:
    """Return each passage with its vector, and the length of a vector; None without vectors."""
    if store is None:
        return ((passage, None) for passage in passages), None
    rows = _with_vectors(passages, store)
    first = next(rows, None)
    if first is None or first[1] is None:
        return iter(()), 0
    return (row for part in ([first], rows) for row in part), len(first[1])


def _with_vectors(passages: Iterator[Passage], store: ReturnsVectors) -> Iterator[Row]:
    while batch := list(islice(passages, BATCH)):
        yield from zip(batch, store.vectors([passage.id for passage in batch]).tolist(), strict=True)
