"""The text of a page in the order of the file, with its tables as Markdown."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from shortlist.documents.pdf.columns import aligned_tables
from shortlist.documents.pdf.layout import PageTable, Rule, Word
from shortlist.documents.pdf.rules import ruled_tables
from shortlist.text.line_ends import BREAK

if TYPE_CHECKING:
    from pypdfium2 import PdfMatrix, PdfPage, PdfTextPage

_Turn: TypeAlias = "Callable[[float, float, float, float], tuple[float, float, float, float]]"

_HYPHENS = {0x02: BREAK, 0xFFFE: BREAK, 0xAD: "\u00ad"}
"""The codes with which PDFium marks the hyphen of a word that continues on the next line."""

_MOST_CHARACTERS = 100_000
_MOST_SEGMENTS = 6000
_THIN = 2.5
_LONGEST_MARGIN = 120
"""The most characters of a running header or footer, between two parts of a table."""

_BLANK_LINES = re.compile(r"\n{3,}")
_END_OF_LINE = re.compile(r"[ \t]+\n")


def page_text(page: PdfPage, above: PageTable | None = None) -> tuple[str, PageTable | None]:
    """Return the text of a page, and the table that ends the page, if there is one.

    Each line ends with a line feed, or with BREAK if its last word continues. `above` is the table that ends the page
    before: if the first table of this page continues it, it gets the names of its columns.
    """
    text_page = page.get_textpage()
    try:
        codes, words = _characters(text_page, page)
        tables = _tables(page, words) if words else []
    finally:
        text_page.close()
    tables.sort(key=lambda table: -table.top)
    around = _around(tables, words)
    if tables and sum(len(word.text) for word in around if word.middle > tables[0].top) <= _LONGEST_MARGIN:
        tables[0] = tables[0].continuing(above)
    text = "".join(_pieces(codes, tables))
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs that PDFium returns in halves
    last = tables[-1] if tables else None
    if last and sum(len(word.text) for word in around if word.middle < last.bottom) > _LONGEST_MARGIN:
        last = None
    return _BLANK_LINES.sub("\n\n", _END_OF_LINE.sub("\n", text)).strip("\n"), last


def _around(tables: Sequence[PageTable], words: Sequence[Word]) -> list[Word]:
    """Return the words that are in no table."""
    taken = {place for table in tables for place in table.characters}
    return [word for word in words if word.places[0] not in taken]


def _pieces(codes: Sequence[int], tables: Sequence[PageTable]) -> Iterator[str]:
    """Yield the characters in order. The text of a table takes the place of its first character."""
    owner = {place: number for number, table in enumerate(tables) for place in table.characters}
    written: set[int] = set()
    inside = False
    for place, code in enumerate(codes):
        number = owner.get(place)
        if number is None:
            if not (inside and code in (0x20, 0x0D, 0x0A)):
                inside = False
                yield "" if code in (0, 0x0D) else _HYPHENS.get(code) or chr(code)
            continue
        inside = True
        if number not in written:
            written.add(number)
            yield f"\n\n{tables[number].text}\n\n"


def _characters(text_page: PdfTextPage, page: PdfPage) -> tuple[list[int], list[Word]]:
    """Return the code of each character, and the words with their places on the page.

    A page with more than 100,000 characters has no words: it is a drawing.
    """
    import pypdfium2.raw as raw

    count = text_page.count_chars()
    codes = [raw.FPDFText_GetUnicode(text_page, place) for place in range(count)]
    if count > _MOST_CHARACTERS:
        return codes, []
    turn = _turned(page)
    box = raw.FS_RECTF()
    words: list[Word] = []
    current: Word | None = None
    for place, code in enumerate(codes):
        if code in (0, 0x20, 0x0A, 0x0D, 0xA0) or not raw.FPDFText_GetLooseCharBox(text_page, place, box):
            current = None
            continue
        left, bottom, right, top = turn(box.left, box.bottom, box.right, box.top)
        if current is not None and current.continues(left, bottom, top):
            current.add(place, _HYPHENS.get(code) or chr(code), right, bottom, top)
        else:
            current = Word(_HYPHENS.get(code) or chr(code), left, bottom, right, top, [place])
            words.append(current)
    return codes, words


def _turned(page: PdfPage) -> _Turn:
    """Return a function that turns a box (left, bottom, right, top) as the page is turned for its reader."""
    width, height = page.get_size()
    turned = page.get_rotation() % 360

    def turn(left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        if turned == 90:
            return bottom, height - right, top, height - left
        if turned == 180:
            return width - right, height - top, width - left, height - bottom
        if turned == 270:
            return width - top, left, width - bottom, right
        return left, bottom, right, top

    return turn


def _tables(page: PdfPage, words: list[Word]) -> list[PageTable]:
    """Return the tables of a page: those between lines, and those whose cells only stand below each other."""
    rules = _rules(page)
    tables = ruled_tables(rules, words)
    return [*tables, *aligned_tables(_around(tables, words), rules)]


def _rules(page: PdfPage) -> list[Rule]:
    """Return the straight lines of a page, those of thin rectangles included. A page with too many has none."""
    import pypdfium2.raw as raw

    turn = _turned(page)
    rules: list[Rule] = []
    seen = 0
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=2):
        count = raw.FPDFPath_CountSegments(item.raw)
        seen += max(count, 1)
        if seen > _MOST_SEGMENTS:
            return []
        raw.FPDFPath_GetDrawMode(item.raw, fill, stroke)
        if not (fill.value or stroke.value):
            continue
        points = _points(item.raw, item.get_matrix(), count)
        if not points:
            continue
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        bottom, top = min(y for _, y in points), max(y for _, y in points)
        if min(right - left, top - bottom) <= _THIN:
            rules.append(Rule(*turn(left, bottom, right, top)))
        elif stroke.value:
            rules += _edges(item.raw, item.get_matrix(), count, turn)
    return rules


def _points(path: Any, matrix: PdfMatrix, count: int) -> list[tuple[float, float]]:
    import pypdfium2.raw as raw

    x, y = ctypes.c_float(), ctypes.c_float()
    points = []
    for number in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, number)
        if raw.FPDFPathSegment_GetPoint(segment, x, y):
            points.append(matrix.on_point(x.value, y.value))
    return points


def _edges(path: Any, matrix: PdfMatrix, count: int, turn: _Turn) -> Iterator[Rule]:
    """Yield the straight edges of a path that is drawn as a line."""
    import pypdfium2.raw as raw

    x, y = ctypes.c_float(), ctypes.c_float()
    first = last = None
    for number in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, number)
        if not raw.FPDFPathSegment_GetPoint(segment, x, y):
            continue
        point = matrix.on_point(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            first = point
        elif kind == raw.FPDF_SEGMENT_LINETO and last:
            yield from _straight(last, point, turn)
            if raw.FPDFPathSegment_GetClose(segment) and first:
                yield from _straight(point, first, turn)
        last = point


def _straight(start: tuple[float, float], end: tuple[float, float], turn: _Turn) -> Iterator[Rule]:
    left, right = sorted((start[0], end[0]))
    bottom, top = sorted((start[1], end[1]))
    if min(right - left, top - bottom) <= _THIN:
        yield Rule(*turn(left, bottom, right, top))
