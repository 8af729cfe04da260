"""`shortlist rerank`."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortlist.cli.console import output, remark, warn
from shortlist.cli.options import Given, resolved, with_settings
from shortlist.cli.options_reading import EncodingOption
from shortlist.errors import InvalidInput
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from shortlist.protocols import Reranker
    from shortlist.search.ranked import Ranked, Reranked

ARRAY = re.compile(r"\s*\[\s*(?:\{|\]\s*\Z|\"(?:[^\"\\]|\\.)*\"\s*(?:[,\]]|\Z))")
"""The start of a JSON array of objects or strings. Plain text that begins with a bracket seldom matches."""
TABLES = (".csv", ".tsv")
OURS = "rerank"
"""The field that `--json` adds to each candidate: score, rank (from 1), index (from 0), and `truncated`."""


@with_settings("pool_encoder", "reranker", "precision", "device", "threads")
def rerank(
    query: Annotated[str, typer.Argument(help="The query.", show_default=False)],
    given: Given,
    file: Annotated[
        str,
        typer.Argument(help="One text per line, one JSON object per line, or one JSON array; - is standard input."),
    ] = "-",
    top: Annotated[int | None, typer.Option("--top", help="Candidates to show. [default: all]", metavar="N")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=f"Print one JSON object per line: the candidate's fields and {OURS!r}.")
    ] = False,
    encoding: EncodingOption = "",
) -> None:
    """Rerank the candidates of any other retriever.

    A candidate is a text that another retriever returned. The input has one of three forms: a text on each line, a JSON
    object with a text field on each line, or one JSON array of strings and objects. Lines of text and lines of JSON in
    one input are an error. A CSV or TSV file is also an error, because its first line has no text to rank, and so
    is a table on standard input whose first line has a usual name such as id and text. If a candidate has a title, the
    reranker reads the title, too, as in a search.
    """
    from shortlist import registry
    from shortlist.search.rerank import rank
    from shortlist.text.validation import checked_text

    query = checked_text(query)
    candidates = _read(file, encoding)
    if as_json:
        _check_no_clash(candidates)
    config = resolved(given).config
    if config.reranker is None:
        raise InvalidInput("reranker is empty: name one", field="reranker")
    reranker = registry.configured_reranker(config, config.reranker)
    encoder = registry.configured_encoder(config, config.pool_encoder) if config.pool_encoder else None
    ranked = rank(query, candidates, reranker, top_k=top, pool_encoder=encoder)
    _print_notes(ranked)
    if as_json:
        _print_json(ranked)
    else:
        _print(ranked, query, reranker)
    _print_totals(ranked, len(candidates), reranker)


def _print_notes(ranked: Reranked) -> None:
    from shortlist.wording import describe

    for note in ranked.notes:
        warn(f"note: {describe(note)}")


def _print_json(ranked: Sequence[Ranked]) -> None:
    from shortlist.text.validation import sound

    for item in ranked:
        fields = item.document if isinstance(item.document, dict) else {"text": item.document}
        place = {
            "score": item.score,
            "rerank_score": item.rerank_score,
            "rank": item.rank,
            "index": item.index,
            "truncated": item.truncated,
        }
        typer.echo(sound(json.dumps({**fields, OURS: place}, ensure_ascii=False)))


def _print(ranked: Sequence[Ranked], query: str, reranker: Reranker) -> None:
    from rich.text import Text

    from shortlist.cli.render.ranking import marked
    from shortlist.search.scores import info_of
    from shortlist.search.texts import text_of
    from shortlist.text.validation import sound

    unit = "score" if ranked[0].order == "blend" else info_of(reranker).unit
    out = output()
    names = [_name(item) for item in ranked]
    places = [str(item.index + 1) for item in ranked]
    scores = [f"{item.score:+.3f}" for item in ranked]
    name_width, place_width, score_width = (max(map(len, column)) for column in (names, places, scores))
    for item, name, place, score in zip(ranked, names, places, scores, strict=True):
        start = f"{item.rank:>3}  was {place:>{place_width}}  {unit} {score:>{score_width}}  "
        start += f"{name:<{name_width}}  " if name_width else ""
        out.print(Text(sound(start)).append_text(marked(text_of(item.document), query)), soft_wrap=True)


def _name(item: Ranked) -> str:
    """Return the id of the candidate, or an empty string."""
    fields = item.document if isinstance(item.document, dict) else {}
    return " ".join(str(fields.get("id", fields.get("_id", ""))).split())


def _print_totals(ranked: Sequence[Ranked], count: int, reranker: Reranker) -> None:
    from shortlist.cli.render.usage import usage
    from shortlist.search.scores import info_of

    cut = sum(item.truncated for item in ranked)
    known = f"{cut} of the shown candidates cut to the window"
    scored = f"{counted(count, 'candidate')} scored, {known if info_of(reranker).reports_cuts else 'cuts unknown'}"
    blended = bool(ranked) and ranked[0].order == "blend"
    remark(f"{scored}; score = {info_of(reranker).unit} + the weighted cosine" if blended else scored)
    usage(reranker)


def _check_no_clash(candidates: Sequence[Any]) -> None:
    """Check that no candidate has a field with the name in `OURS`."""
    from shortlist.text.validation import item_name

    for place, candidate in enumerate(candidates):
        if isinstance(candidate, dict) and OURS in candidate:
            raise InvalidInput(
                f"{item_name('candidate', place, len(candidates))} has a field {OURS!r}, which --json adds to every "
                "candidate: rename the field"
            )


def _check_no_table(file: str, name: str, text: str) -> None:
    """Check that the input is not a table, whose header would be ranked as a text.

    The ending of the file shows this, or a first line of names, one of which is usual for a text or an id.
    """
    kind = Path(file).suffix.lower()
    forms = "give a text on each line, a JSON object with a text field on each line, or one JSON array"
    if kind in TABLES:
        table = f"{file} is a {kind[1:].upper()} file"
        raise InvalidInput(f"{table}, which rerank does not read: {forms} of strings and objects")
    names = _columns([line for line in text.split("\n", 100) if line.strip()])
    if names:
        raise InvalidInput(
            f"{name} is a table with the columns {', '.join(names)[:80]}, which rerank does not read: {forms} of "
            "strings and objects. If the first line is a candidate, give the lines as JSON"
        )


def _columns(lines: Sequence[str]) -> list[str]:
    """Return the names of the columns if the first lines are those of a table with usual names; no names if not."""
    from shortlist.search.texts import TEXT_FIELDS

    for delimiter in ",;\t|" if len(lines) > 1 else "":
        names = [name.strip(' \r"') for name in lines[0].split(delimiter)]
        is_table = len(names) > 1 and all(names) and delimiter in lines[1]
        if is_table and {name.lower() for name in names} & {"id", "_id", *TEXT_FIELDS}:
            return names
    return []


def _decoded(raw: bytes, name: str, encoding: str) -> str:
    """Return the text of the input. A guess of its encoding is printed."""
    from shortlist.cli.render.evaluation import guessed_encodings
    from shortlist.documents.decoding import decode
    from shortlist.documents.options import ReadOptions
    from shortlist.documents.source import Unreadable

    given = ReadOptions(encoding=encoding).encoding
    try:
        text, replaced, guessed = decode(raw, given=given)
    except Unreadable as error:
        codec = f" in {given}" if given else ""
        raise InvalidInput(
            f"{name} is not text{codec}: give it as UTF-8, or name its encoding with --encoding"
        ) from error
    if replaced:
        codec = guessed or given or "UTF-8"
        raise InvalidInput(f"{name} has {counted(replaced, 'byte')} that are not text in {codec}: give it as UTF-8")
    guessed_encodings({name: guessed} if guessed else {})
    return text


def _read(file: str, encoding: str) -> list[Any]:
    name = "standard input" if file == "-" else file
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror or error}") from error
    text = _decoded(raw, name, encoding)
    _check_no_table(file, name, text)
    lines = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    array = _array(text, name) if ARRAY.match(text) else None
    candidates = _lines(lines, name) if array is None else array
    if not candidates:
        raise InvalidInput(f"{name} has no candidates: give one per line")
    return candidates


def _array(text: str, name: str) -> list[Any] | None:
    """Return the text as one JSON array, or None if other text follows the array on the same line."""
    from shortlist.text.validation import item_name

    try:
        items = _parsed(text)
    except json.JSONDecodeError as error:
        gap = text[len(text[: error.pos].rstrip()) : error.pos]
        if error.msg == "Extra data" and "\n" not in gap:
            return None
        raise InvalidInput(f"{name} looks like a JSON array and is not valid JSON: {error}") from error
    for place, item in enumerate(items):
        if not isinstance(item, str | dict):
            raise InvalidInput(
                f"{name}: {item_name('candidate', place, len(items))} in the JSON array is {item!r}: give strings or "
                "objects"
            )
    return list(items)


def _lines(lines: Sequence[tuple[int, str]], name: str) -> list[Any]:
    """Return every line as text, or every line as a JSON object.

    Raises:
        InvalidInput: Some lines are JSON objects and others are not, or the lines look like JSON and are not valid.
    """
    objects = [_object(line) for _, line in lines]
    plain = [line for line, item in zip(lines, objects, strict=True) if item is None]
    if not plain:
        return list(objects)
    number, text = plain[0]
    if any(line.strip() == "{" for _, line in lines):
        raise InvalidInput(
            f"{name} has JSON objects of several lines: write each object on one line, or all in one array"
        )
    if all(line.lstrip().startswith("{") for _, line in lines):
        raise InvalidInput(
            f"{name} line {number} begins like a JSON object and is not a valid one: {text.strip()!r:.80}"
        )
    if len(plain) < len(lines):
        first = next(line for (line, _), item in zip(lines, objects, strict=True) if item is not None)
        raise InvalidInput(
            f"{name} line {first} is a JSON object, and line {number} is not: write every line as a text, or every "
            "line as a JSON object"
        )
    return [line for _, line in lines]


def _parsed(text: str) -> Any:
    """Return a JSON value. A number that no float holds stays a text: it would be Infinity, which is no JSON."""

    def number(digits: str) -> float | str:
        return float(digits) if math.isfinite(float(digits)) else digits

    return json.loads(text, parse_float=number, parse_constant=str)


def _object(line: str) -> dict[str, Any] | None:
    try:
        item = _parsed(line)
    except (ValueError, RecursionError):
        return None
    return item if isinstance(item, dict) else None
