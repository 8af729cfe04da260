"""Presentations: one document per slide."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from shortlist.documents.decoding import character_note, clean, read_bytes
from shortlist.documents.docx.equations import M, equation
from shortlist.documents.metadata import metadata
from shortlist.documents.office import errors, transitional
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.documents.symbols import with_symbols
from shortlist.documents.titles import best_title
from shortlist.errors import MissingExtra
from shortlist.text.tables import Cell, markdown
from shortlist.types import Document, Note

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MOST_GROUPS = 20
_LONGEST_POINTS = 1000


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per slide with text. The metadata field "slide" counts from 1.

    The title of the slide is a heading, tables and the values of charts are Markdown tables, and the notes of the
    speaker follow. The title of the document is that of the file. Comments are counted. Needs the extra "files".
    """
    data = read_bytes(source.path)
    with errors(".pptx"):
        deck = _open(data)
        title = " ".join((deck.core_properties.title or "").split())
        title = best_title(source, clean(title)[0])
        slides = list(deck.slides)
    comments = 0
    for number, slide in enumerate(slides, start=1):
        place = f"slide {number}"
        try:
            with errors(".pptx"):
                text, lost = clean("\n\n".join(block for block in _slide(slide) if block.strip()))
                comments += sum("comments" in rel.reltype for rel in slide.part.rels.values())
        except Unreadable as error:
            yield Skipped(source.name, place, error.note)
            continue
        fields = metadata(source, {"slide": number})
        yield from character_note(source, lost, place)
        yield Record(place, Document(f"{source.name}#slide={number}", text, title, fields))
    if comments:
        yield Skipped(source.name, "", Note("part_left_out", part="slides with comments", count=comments, include=""))
    if not slides:
        yield Skipped(source.name, "", Note("empty"))


def _open(data: bytes) -> Any:
    try:
        import pptx
        from pptx.exc import PythonPptxError
    except ImportError as error:
        raise MissingExtra("reading presentations", "files") from error
    try:
        return pptx.Presentation(io.BytesIO(transitional(data)))
    except PythonPptxError as error:
        raise ValueError(str(error)) from error


def _slide(slide: Any) -> Iterator[str]:
    """Yield the blocks of a slide: its title, its shapes from top to bottom, and its notes."""
    title = slide.shapes.title
    if title is not None and title.has_text_frame:
        words = " ".join(_lines(title.text_frame._txBody).split())
        yield f"# {words}" if words else ""
    shapes = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    for shape in sorted(shapes, key=_place):
        yield from _shape(shape, 0)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = _lines(slide.notes_slide.notes_text_frame._txBody)
        yield f"Notes: {notes}" if notes.strip() else ""


def _place(shape: Any) -> tuple[int, int]:
    """Return where a shape begins. A shape without a place of its own stays in the order of the file."""
    return (shape.top or 0) // 300_000, shape.left or 0


def _shape(shape: Any, depth: int) -> Iterator[str]:
    if hasattr(shape, "shapes") and depth < _MOST_GROUPS:
        for inner in shape.shapes:
            yield from _shape(inner, depth + 1)
    elif getattr(shape, "has_table", False):
        yield markdown(list(_rows(shape.table)))
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)
    elif shape.has_text_frame:
        yield _lines(shape.text_frame._txBody)


def _lines(body: Any) -> str:
    """Return the paragraphs of a text, one on each line."""
    return "\n".join(filter(None, (_paragraph(paragraph) for paragraph in body.iter(f"{_A}p"))))


def _paragraph(paragraph: Any) -> str:
    pieces: list[str] = []
    waiting = list(reversed(list(paragraph)))
    while waiting:
        node = waiting.pop()
        if node.tag == f"{_A}t":
            font = node.getparent().find(f"{_A}rPr/{_A}sym")
            pieces.append(with_symbols(node.text or "", "" if font is None else font.get("typeface", "")))
        elif node.tag == f"{_A}br":
            pieces.append("\n")
        elif node.tag in (f"{M}oMath", f"{M}oMathPara"):
            pieces.append(equation(node))
        elif not str(node.tag).endswith("}Fallback"):
            waiting.extend(reversed(list(node)))
    return "".join(pieces).replace("\v", "\n").strip()


def _rows(table: Any) -> Iterator[list[Cell]]:
    for row in table.rows:
        yield [
            Cell(_lines(cell._tc).replace("\n", " "), cell.span_height, cell.span_width)
            for cell in row.cells
            if not cell.is_spanned
        ]


def _chart(chart: Any) -> Iterator[str]:
    """Yield the title of a chart, and its values as a table."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield _lines(chart.chart_title.text_frame._txBody)
    for plot in chart.plots:
        series = list(plot.series)[:_LONGEST_POINTS]
        names = [Cell(), *(Cell(str(item.name or "")) for item in series)]
        categories = [str(label) for label in plot.categories][:_LONGEST_POINTS]
        rows = [
            [Cell(label), *(Cell(_value(item, place)) for item in series)] for place, label in enumerate(categories)
        ]
        yield markdown([names, *rows], 1)


def _value(series: Any, place: int) -> str:
    value = series.values[place] if place < len(series.values) else None
    return "" if value is None else f"{value:.15g}"
