"""`shortlist list`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from shortlist.cli.console import output, say
from shortlist.cli.options import DEFAULT_INDEX, IndexOption, JsonOption
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from shortlist.collection import IndexedSource


def list(index: IndexOption = DEFAULT_INDEX, as_json: JsonOption = False) -> None:
    """List the sources of an index.

    Each source has its format, its documents and passages, and the time when it was read. The index may be open in
    another process. The source ":memory:" has the documents that were added from Python. A file is "incomplete" if
    `add` was interrupted, if `remove` removed one of its documents, or if it has an id of another source. The next
    `add` reads incomplete files again.
    """
    from shortlist.redaction import without_secrets
    from shortlist.registry import INDEXES

    listing = INDEXES.contents(index)
    name = without_secrets(index)
    if as_json:
        typer.echo(json.dumps({"index": name, **listing.to_dict()}, ensure_ascii=False, indent=2))
        return
    out = output()
    for line in aligned([_cells(source) for source in listing.sources], right=(2, 3)):
        say(out, line)
    size = "size unknown" if listing.bytes_on_disk is None else f"{listing.bytes_on_disk / 1e6:.1f} MB on disk"
    say(
        out,
        f"{name}: {counted(len(listing.sources), 'source')}, {counted(listing.documents, 'document')}, "
        f"{counted(listing.passages, 'passage')}, {size}; bi-encoder "
        f"{listing.bi_encoder}, language {listing.language}, format {listing.format_version}",
    )
    states = listing.precomputed
    if states is not None:
        say(
            out,
            f"precomputed for {states.reranker}: {counted(states.passages, 'passage')}, "
            f"{states.bytes_on_disk / 1e6:.1f} MB of these",
        )


def aligned(rows: Sequence[tuple[str, ...]], right: tuple[int, ...] = ()) -> Sequence[str]:
    """Return one line for each row, with aligned columns. The columns in `right` are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cells(source: IndexedSource) -> tuple[str, ...]:
    read = source.read_at.astimezone().strftime("%Y-%m-%d %H:%M") if source.read_at is not None else "time unknown"
    # Singular and plural have the same width, so that the nouns align.
    documents = f"{counted(source.documents, 'document')}{' ' if source.documents == 1 else ''}"
    passages = f"{counted(source.passages, 'passage')}{' ' if source.passages == 1 else ''}"
    return source.name, source.kind, documents, passages, read, "" if source.complete else "incomplete"
