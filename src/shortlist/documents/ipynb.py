"""Notebooks (.ipynb): one document per file, as Markdown. The format is JSON: https://nbformat.readthedocs.io."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from shortlist.documents.decoding import character_note, clean, guess_note, read_text
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.documents.titles import best_title
from shortlist.text import headings
from shortlist.text.markdown import read_form, shown
from shortlist.types import Document, Note

_LONGEST_OUTPUT = 4000
"""The longest output of a cell that is read, in characters. Longer ones are logs and data."""


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the notebook as one document. Its title is the first heading, or the file name.

    Cells of Markdown stay as they are, cells of code and outputs of text become code blocks. Outputs of over 4,000
    characters, and outputs without text, such as images, are counted. The metadata field "language" is that of the
    code.
    """
    text, replaced, guessed = read_text(source)
    yield from guess_note(source, guessed)
    book = _parse(text)
    left = {"long outputs": 0, "outputs without text": 0}
    cells = book.get("cells")
    if cells is None:  # format 3 has sheets of cells
        cells = [cell for sheet in _list(book.get("worksheets")) for cell in _list(_mapping(sheet).get("cells"))]
    about = _mapping(book.get("metadata"))
    language = _mapping(about.get("kernelspec")).get("language") or _mapping(about.get("language_info")).get("name")
    language = language if isinstance(language, str) else ""
    blocks = [block for cell in _list(cells) for block in _cell(_mapping(cell), language, left)]
    body, lost = clean("\n\n".join(block for block in blocks if block.strip()))
    title = best_title(source, "", (read_form(heading.title) for heading in headings(shown(body))))
    fields = metadata(source, {"language": language or None}, replaced)
    yield from character_note(source, lost)
    yield Record("", Document(source.name, body, title, fields))
    for part, count in left.items():
        if count:
            yield Skipped(source.name, "", Note("part_left_out", part=part, count=count, include=""))


def _parse(text: str) -> Mapping[str, Any]:
    try:
        book = json.loads(text)
    except RecursionError as error:
        raise Unreadable(Note("deep_json")) from error
    except ValueError as error:
        raise Unreadable(Note("bad_json", error=str(error))) from error
    if not isinstance(book, dict):
        raise Unreadable(Note("broken", format=".ipynb", error="it is not an object"))
    return book


def _cell(cell: Mapping[str, Any], language: str, left: dict[str, int]) -> Iterator[str]:
    """Yield the source of a cell, and its outputs."""
    kind = cell.get("cell_type")
    text = _joined(cell.get("source", cell.get("input")))
    if kind == "heading":
        yield f"# {text}"
    elif kind == "code":
        yield _fenced(text, language)
        for output in _list(cell.get("outputs")):
            shown = _output(_mapping(output))
            if len(shown) > _LONGEST_OUTPUT:
                left["long outputs"] += 1
            elif shown:
                yield _fenced(shown, "")
            else:
                left["outputs without text"] += 1
    else:
        yield text


def _output(output: Mapping[str, Any]) -> str:
    """Return the text of an output, or "" if it has none."""
    if output.get("output_type") in ("error", "pyerr"):
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    data = _mapping(output.get("data"))
    return _joined(output.get("text") or data.get("text/plain") or data.get("text/markdown")).strip("\n")


def _fenced(text: str, language: str) -> str:
    if not text.strip():
        return ""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def _joined(lines: object) -> str:
    """Return a text that may be stored as a list of lines."""
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
