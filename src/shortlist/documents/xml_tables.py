"""Tables in XML: those of HTML, and the CALS tables of DocBook and JATS."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from shortlist.documents.xml_names import TITLES, local_name
from shortlist.text.tables import MOST_COLUMNS, Cell, markdown

_TABLES = ("table", "informaltable", "tgroup")
_ROWS = ("tr", "row")
_CELLS = ("td", "th", "entry", "cell")
_BESIDE = ("colspec", "colgroup", "col", "spanspec")
_GROUPS = ("thead", "tbody", "tfoot")


def is_table(node: Any) -> bool:
    """Return whether an element is a table that has rows of cells and nothing else. One with <tgroup> holds tables."""
    rows = [row for _, row in _rows(node)] if local_name(node) in _TABLES else []
    groups = [child for child in node if local_name(child) in _GROUPS]
    return (
        any(len(row) for row in rows)
        and _has_only(node, (*_ROWS, *_GROUPS, *_BESIDE, *TITLES))
        and all(_has_only(group, (*_ROWS, *_BESIDE)) for group in groups)
        and all(_has_only(row, _CELLS) for row in rows)
    )


def _has_only(node: Any, names: Collection[str]) -> bool:
    """Return whether an element has no text of its own, and no other elements than these."""
    text = (node.text or "") + "".join(child.tail or "" for child in node)
    return not text.strip() and all(local_name(child) in names for child in node)


def table_text(node: Any, text_of: Callable[[Any], str]) -> str:
    """Return a table as Markdown. `text_of` returns the text of a cell."""
    rows = list(_rows(node))
    names = [column.get("colname", "") for column in node.iter("{*}colspec")]
    cells = [[_cell(cell, names, text_of) for cell in row if local_name(cell) in _CELLS] for _, row in rows]
    return markdown(cells, sum(head for head, _ in rows) or None)


def _rows(node: Any) -> Iterator[tuple[bool, Any]]:
    """Yield the rows of a table, each with True if it is in the head."""
    for child in node:
        if local_name(child) in _ROWS:
            yield local_name(node) == "thead", child
        elif local_name(child) in _GROUPS:
            yield from _rows(child)


def _cell(cell: Any, names: list[str], text_of: Callable[[Any], str]) -> Cell:
    first, last = cell.get("namest"), cell.get("nameend")
    spanned = names.index(last) - names.index(first) + 1 if first in names and last in names else 1
    columns = max(_number(cell.get("colspan") or cell.get("cols")), spanned, 1)
    rows = max(_number(cell.get("rowspan") or cell.get("rows")), _number(cell.get("morerows")) + 1, 1)
    return Cell(text_of(cell), rows, columns, local_name(cell) == "th")


def _number(text: str | None) -> int:
    return min(int(text), MOST_COLUMNS) if text is not None and text.isdecimal() and len(text) < 9 else 0
