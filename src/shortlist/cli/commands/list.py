"""`shortlist list`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shortlist.cli.options import DEFAULT_INDEX, IndexOption
from shortlist.collection import Contents, HeldSource, contents


def list(
    index: IndexOption = DEFAULT_INDEX,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """List the sources of an index with their documents and passages, and its totals.

    It may be open elsewhere, in a server for instance. ":memory:" is what was added from Python. "incomplete" is a file
    that the next `add` reads anew: it was interrupted, lost a document to `remove`, or has an id of another source.
    """
    held = contents(index)
    if as_json:
        typer.echo(json.dumps(_record(index, held), ensure_ascii=False, indent=2))
        return
    out = Console(highlight=False)
    for one in held.sources:
        out.print(_line(one), markup=False, soft_wrap=True)
    out.print(
        f"{index}: {len(held.sources)} sources, {held.documents} documents, {held.passages} passages, "
        f"{held.bytes_on_disk / 1e6:.1f} MB on disk; bi-encoder {held.bi_encoder}, format {held.format_version}",
        markup=False,
        soft_wrap=True,
    )


def _line(one: HeldSource) -> str:
    read = one.read_at.astimezone().strftime("%Y-%m-%d %H:%M") if one.read_at is not None else "time unknown"
    state = "" if one.complete else "  incomplete"
    return f"{one.name}  {one.kind}  {one.documents} documents  {one.passages} passages  {read}{state}"


def _record(index: Path, held: Contents) -> dict[str, object]:
    return {
        "index": str(index),
        "sources": [
            {
                "name": one.name,
                "kind": one.kind,
                "documents": one.documents,
                "passages": one.passages,
                "read_at": one.read_at.isoformat() if one.read_at is not None else None,
                "complete": one.complete,
            }
            for one in held.sources
        ],
        "documents": held.documents,
        "passages": held.passages,
        "bi_encoder": held.bi_encoder,
        "format_version": held.format_version,
        "bytes_on_disk": held.bytes_on_disk,
    }
