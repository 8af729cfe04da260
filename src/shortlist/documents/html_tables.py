"""Tables of HTML pages: their cells in document order, with captions, header rows and spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shortlist.text.tables import MOST_COLUMNS, Cell, is_named_column, markdown

if TYPE_CHECKING:
    from bs4 import Tag
    from bs4.element import PageElement

_MOST_ROWS = 65_534
"""The number of rows that a cell may span: https://html.spec.whatwg.org/multipage/tables.html#attr-tdth-rowspan."""

_LONGEST_CELL = 2000
_LAYOUT = ("table", "h1", "h2", "h3", "h4", "h5", "h6", "pre")
_GROUPS = ("thead", "tbody", "tfoot")
_SPACED = re.compile("br|p|div|dd|dt|option|section|article|ul|ol|dl|hr|blockquote|h[1-6]|table|tr")
_NUMBER = re.compile(r"\s*(\d{1,9})")


@dataclass
class _Cell:
    """A cell while its text is read."""

    header: bool
    rows: int
    columns: int
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


@dataclass
class _Row:
    """A row, the number of its row group, and whether the group is <thead>."""

    group: int
    head: bool
    cells: list[_Cell] = field(default_factory=list)


def table_markdown(table: Tag, nodes: Iterator[PageElement | str]) -> str | None:
    """Return the table as its caption and Markdown, or None if the table only arranges parts of the page.

    `nodes` are the tags of the table, and its texts as plain strings, in document order. The parser does not add
    optional end tags: a cell may be nested in the cell before it. Document order is right in both cases.
    """
    content = None if table.get("role") in ("presentation", "none") else _read(nodes)
    if content is None:
        return None
    caption, rows = content
    texts = [cell.text for row in rows for cell in row.cells]
    cells = list(_cells(rows))
    heads = sum(row.head for row in rows) or None
    wide = max(map(len, cells), default=0) > 1 or is_named_column(cells, heads)
    if not wide or max(map(len, texts)) > _LONGEST_CELL:
        return None
    table_text = markdown(cells, heads)
    title = " ".join("".join(caption).split())
    return f"{title}\n\n{table_text}" if title and table_text else title + table_text


def _read(nodes: Iterator[PageElement | str]) -> tuple[list[str], list[_Row]] | None:
    """Return the pieces of the caption, and the rows; None at the first tag that only the layout of a page has."""
    from bs4 import Tag

    caption: list[str] = []
    rows: list[_Row] = []
    target: list[str] = []
    group, kind = 0, ""
    for node in nodes:
        if isinstance(node, str):
            target.append(node)
        elif isinstance(node, Tag):
            if node.name in _LAYOUT:
                return None
            if node.name in _GROUPS:
                group, kind = group + 1, node.name
            elif node.name == "tr":
                rows.append(_Row(group, kind == "thead" and node.find_parent("thead") is not None))
                target = []
            elif node.name in ("td", "th"):
                rows = rows or [_Row(group, kind == "thead")]
                rows[-1].cells.append(_cell(node))
                target = rows[-1].cells[-1].pieces
            elif node.name == "caption":
                target = caption
            elif _SPACED.fullmatch(node.name):
                target.append(" ")
    return caption, [row for row in rows if row.cells]


def _cell(tag: Tag) -> _Cell:
    rows = _span(tag, "rowspan")
    return _Cell(tag.name == "th", _MOST_ROWS if rows == 0 else rows, min(max(_span(tag, "colspan"), 1), MOST_COLUMNS))


def _span(tag: Tag, name: str) -> int:
    number = _NUMBER.match(str(tag.get(name, "")))
    return min(int(number[1]), _MOST_ROWS) if number else 1


def _cells(rows: list[_Row]) -> Iterator[list[Cell]]:
    """Yield the cells of each row. A cell ends at the last row of its group."""
    last = {row.group: number for number, row in enumerate(rows)}
    for number, row in enumerate(rows):
        left = last[row.group] - number + 1
        yield [Cell(cell.text, min(cell.rows, left), cell.columns, cell.header) for cell in row.cells]
