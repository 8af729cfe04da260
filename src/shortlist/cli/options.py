"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shortlist.errors import InvalidInput
from shortlist.types import Value, Where

DEFAULT_INDEX = Path(".shortlist")

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", metavar="DIR")]
BiEncoderOption = Annotated[
    str | None, typer.Option("--bi-encoder", help="Packaged name, folder or hub id.", metavar="ID")
]
CrossEncoderOption = Annotated[
    str, typer.Option("--cross-encoder", help="Packaged name, folder or hub id.", metavar="ID")
]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="auto, exact (fp32) or fast.", metavar="auto|exact|fast")
]


def parse_where(given: list[str]) -> Where | None:
    """`key=value` options as a filter; a value that reads as a number or as true/false matches that or the text.

    Raises:
        InvalidInput: No "=" in it, or an empty key.
    """
    out: dict[str, Value | list[Value]] = {}
    for one in given:
        key, equals, text = one.partition("=")
        if not equals or not key:
            raise InvalidInput(f"--where {one!r}: write key=value")
        values: list[Value] = [text]
        if text in {"true", "false"}:
            values.append(text == "true")
        for kind in (int, float):
            try:
                values.append(kind(text))
                break
            except ValueError:
                continue
        held = out.get(key)
        out[key] = [*held, *values] if isinstance(held, list) else values
    return out or None
