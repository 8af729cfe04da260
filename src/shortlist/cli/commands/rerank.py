"""`shortlist rerank`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from shortlist.cli.options import CrossEncoderOption, PrecisionOption
from shortlist.cli.render.ranking import SNIPPET, unit
from shortlist.errors import InvalidInput
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.registry import load_reranker
from shortlist.rerankers.vendors import is_hosted
from shortlist.search.rerank import Reranked, doubt_of, text_of
from shortlist.search.rerank import rerank as rerank_candidates
from shortlist.text import snippet
from shortlist.text.validation import sound

ARRAY = re.compile(r"\s*\[\s*(?:\{|\]\s*\Z|\"(?:[^\"\\]|\\.)*\"\s*(?:[,\]]|\Z))")
"""How a JSON array of objects or strings begins; plain text that begins with a bracket seldom does."""
OURS = "rerank"
"""The field of a row of `--json` that holds score, rank from 1, old place from 0, and whether it was cut."""


def rerank(
    query: Annotated[str, typer.Argument(help="What to rank for.", show_default=False)],
    file: Annotated[
        str, typer.Argument(help="One candidate a line, plain or JSON, or a JSON array; - is standard input.")
    ] = "-",
    top: Annotated[int | None, typer.Option("--top", help="Candidates to show; all if not given.")] = None,
    cross_encoder: CrossEncoderOption = CROSS_ENCODER,
    precision: PrecisionOption = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help=f"One JSON object a line: its fields, and {OURS} beside them.")
    ] = False,
) -> None:
    """Rerank candidates of any other retriever: one a line, as text or as JSON objects with a text field.

    A JSON array of strings or objects is read too. A title beside the text is read with it, as in a search.
    """
    candidates = _read(file)
    if as_json:
        _check_free(candidates)
    out = Console(highlight=False)
    reranker = load_reranker(cross_encoder, precision=precision)
    ranked = rerank_candidates(query, candidates, reranker, k=top)
    errors = Console(stderr=True, highlight=False)
    if doubt := doubt_of(reranker, query):
        errors.print(f"note: {doubt}", style="yellow", markup=False, soft_wrap=True)
    for one in ranked:
        if as_json:
            typer.echo(sound(json.dumps(_row(one), ensure_ascii=False)))
        else:
            name = one.item.get("id", one.item.get("_id", "")) if isinstance(one.item, dict) else ""
            score = f"{unit(cross_encoder)} {one.score:+.3f}"
            line = f"{one.rank:>3}  was {one.index + 1}  {score}  {name}  {snippet(text_of(one.item), query, SNIPPET)}"
            out.print(sound(" ".join(line.splitlines())), markup=False, soft_wrap=True)
    cut = sum(one.truncated for one in ranked)
    told = "cuts to its window not told" if is_hosted(cross_encoder) else f"{cut} of the shown cut to the window"
    errors.print(f"{len(candidates)} scored, {told}")


def _check_free(candidates: list[Any]) -> None:
    """Does nothing where no candidate has a field in the place of ours."""
    for number, one in enumerate(candidates, start=1):
        if isinstance(one, dict) and OURS in one:
            raise InvalidInput(
                f"candidate {number} has a field {OURS!r}, which --json writes beside its own: give it another name"
            )


def _row(one: Reranked[Any]) -> dict[str, Any]:
    item = one.item if isinstance(one.item, dict) else {"text": one.item}
    return {**item, OURS: {"score": one.score, "rank": one.rank, "index": one.index, "truncated": one.truncated}}


def _read(file: str) -> list[Any]:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} can't be read: {error.strerror or error}") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8: {error.reason} at byte {error.start}") from error
    lines = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    held = _array(text, file) if ARRAY.match(text) else None
    found = _lines(lines, file) if held is None else held
    if not found:
        raise InvalidInput(f"{file} holds no candidates: give one a line")
    return found


def _array(text: str, file: str) -> list[Any] | None:
    """The whole text as one JSON array of strings and objects; None where its first line goes on after an array."""
    try:
        held = json.loads(text)
    except json.JSONDecodeError as error:
        gap = text[len(text[: error.pos].rstrip()) : error.pos]
        if error.msg == "Extra data" and "\n" not in gap:
            return None
        raise InvalidInput(f"{file} looks like a JSON array and is not: {error}") from error
    for number, one in enumerate(held, start=1):
        if not isinstance(one, str | dict):
            raise InvalidInput(f"{file}: candidate {number} of the JSON array is {one!r}: give strings or objects")
    return list(held)


def _lines(lines: list[tuple[int, str]], file: str) -> list[Any]:
    """Each line as text, or each as a JSON object: never some as one and some as the other."""
    made = [_object(line) for _, line in lines]
    plain = [number for (number, _), one in zip(lines, made, strict=True) if one is None]
    spread = any(line.strip() == "{" for _, line in lines)
    if not plain:
        return made
    if len(plain) < len(lines) or spread or all(line.lstrip().startswith("{") for _, line in lines):
        raise InvalidInput(
            f"{file} line {plain[0]} is no JSON object, and the file looks like JSON: give one object a line, plain "
            "text alone, or one JSON array"
        )
    return [line for _, line in lines]


def _object(line: str) -> dict[str, Any] | None:
    try:
        held = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return held if isinstance(held, dict) else None
