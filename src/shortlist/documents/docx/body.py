"""The body of a Word file in blocks: paragraphs, lists, tables, boxes and notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from shortlist.documents.docx.equations import M, equation
from shortlist.documents.docx.numbers import W
from shortlist.documents.docx.parts import Parts, is_hidden
from shortlist.documents.docx.styles import Style, list_of, outline_level, value
from shortlist.documents.docx.tables import Table, table_rows
from shortlist.documents.symbols import symbol, with_symbols
from shortlist.text.raised import raised
from shortlist.text.tables import is_named_column, markdown

_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TRANSPARENT = frozenset(W + name for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"))
_LEFT_OUT = frozenset({_FALLBACK, *(W + name for name in ("pPr", "rPr", "moveFrom", "del", "rt"))})
"""Elements without text of the document. "rt" is how the characters above it are pronounced."""
_CHARACTERS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-", f"{W}sym": ""}
_EQUATIONS = frozenset({f"{M}oMath", f"{M}oMathPara"})
_NOTES = {f"{W}footnoteReference": "footnote", f"{W}endnoteReference": "endnote"}
_LONGEST_CELL = 2000
_LONGEST_BESIDE = 200
_MOST_BOXES = 8
"""How deep boxes and tables in each other are read apart. Deeper ones are part of the text around them."""


@dataclass
class _Text:
    """The text of a paragraph, and what stands apart from it."""

    pieces: list[str] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Body:
    """Turns the elements of a document into blocks of text."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._noted = 0
        self._depth = 0

    def blocks(self, parent: Any) -> Iterator[str]:
        """Yield the blocks of the body, or of a cell or a box. Consecutive list items share a block."""
        items: list[str] = []
        for element in children(parent):
            if element.tag == f"{W}p":
                line, is_item, apart = self._paragraph(element)
                if is_item and line:
                    items.append(line)
                    if not apart:
                        continue
                    line = ""
                yield "\n".join(items)
                items = []
                yield line
                yield from apart
            elif element.tag == f"{W}tbl":
                yield "\n".join(items)
                items = []
                yield from self._table(element)
        yield "\n".join(items)

    def _paragraph(self, element: Any) -> tuple[str, bool, list[str]]:
        """Return the text of a paragraph with its mark, whether it is a list item, and the blocks that follow it."""
        content = _Text()
        self._collect(element, content)
        text = "".join(content.pieces).strip()
        apart = [*content.notes]
        if self._depth < _MOST_BOXES:
            self._depth += 1
            apart += [block for box in content.boxes for block in self.blocks(box) if block.strip()]
            self._depth -= 1
        properties = element.find(f"{W}pPr")
        heading, style = self._heading(element)
        if not text:
            return "", False, apart
        label = self._label(properties, value(properties, "pStyle") if properties is not None else "")
        if heading:
            words = " ".join(part for part in (label, *text.split()) if part and part != "-")
            return f"{'#' * min(heading, 6)} {words}", False, apart
        if label is None and style.name.startswith("list"):
            label = "-"
        return f"{label} {text}" if label else text, bool(label), apart

    def _label(self, properties: Any, style_id: str) -> str | None:
        """Return the number or the bullet of a paragraph: "" for none, None if it is in no list."""
        style = self._parts.styles.get(style_id)
        own_id, own_level = (None, None) if properties is None else list_of(properties)
        key = style.list_id if own_id is None else own_id
        if key is None or key == "0":
            return None if key is None else ""
        level = own_level if own_level is not None else style.list_level
        if level is None:
            level = self._parts.numbers.level_of(key, style_id)
        label = self._parts.numbers.next(key, level)
        return "-" if label is None else label

    def _collect(self, paragraph: Any, content: _Text) -> None:
        """Collect the text of a paragraph with that in links, content controls and equations, each once.

        Moved text is at its new place only.
        """
        waiting = [paragraph]
        while waiting:
            node = waiting.pop()
            if node.tag == f"{W}t":
                content.pieces.append(_run_text(node, content.pieces))
            elif node.tag in _CHARACTERS:
                content.pieces.append(
                    _CHARACTERS[node.tag] or symbol(node.get(f"{W}font", ""), node.get(f"{W}char", ""))
                )
            elif node.tag in _EQUATIONS:
                content.pieces.append(equation(node))
            elif node.tag == f"{W}txbxContent":
                content.boxes.append(node)
                if self._depth >= _MOST_BOXES:
                    waiting.extend(reversed(list(node)))
            elif node.tag in _NOTES:
                self._add_note(node, content)
            elif node.tag == f"{W}commentReference":
                self._add_comment(node, content)
            elif node.tag not in _LEFT_OUT and not is_hidden(node):
                waiting.extend(reversed(list(node)))

    def _add_note(self, reference: Any, content: _Text) -> None:
        note = self._parts.notes.get((_NOTES[reference.tag], reference.get(f"{W}id", "")))
        text = plain_text(note)
        if text:
            self._noted += 1
            content.pieces.append(f"[{self._noted}]")
            content.notes.append(f"[{self._noted}] {text}")

    def _add_comment(self, reference: Any, content: _Text) -> None:
        comment = self._parts.comments.get(reference.get(f"{W}id", ""))
        text = plain_text(comment)
        if comment is not None and text and "comments" in self._parts.include:
            author = comment.get(f"{W}author", "")
            content.notes.append(f"[Comment{f' by {author}' if author else ''}: {text}]")

    def _table(self, table: Any) -> Iterator[str]:
        """Yield a table as Markdown with the tables in it below it, or the blocks of its cells if it is a layout."""
        noted = self._noted
        content = table_rows(table, self._cell)
        inner = [[node for node in children(cell) if node.tag == f"{W}tbl"] for cell in content.elements]
        if any(tables and not row for (row, _), tables in zip(content.places, inner, strict=True)):
            content = content._replace(headers=0)
        deepest = self._depth >= _MOST_BOXES
        if not deepest and self._is_layout(content, nested=any(inner)):
            self._noted = noted
            self._depth += 1
            for cell in content.elements:
                yield from self.blocks(cell)
            self._depth -= 1
            return
        yield markdown(content.rows, content.headers)
        if any(inner) and not deepest:
            self._depth += 1
            for label, tables in zip(content.labels(), inner, strict=True):
                for nested in tables:
                    yield f"{label}:" if label else ""
                    yield from self._table(nested)
            self._depth -= 1

    def _is_layout(self, table: Table, *, nested: bool) -> bool:
        """Return whether a table only arranges the page.

        With others in its cells, a table has several columns, and short texts without headings.
        """
        wide = max(map(len, table.rows), default=0) > 1
        longest = max((len(cell.text) for row in table.rows for cell in row), default=0)
        if nested:
            paragraphs = (node for cell in table.elements for node in children(cell) if node.tag == f"{W}p")
            return not wide or longest > _LONGEST_BESIDE or any(self._heading(node)[0] for node in paragraphs)
        return longest > _LONGEST_CELL or not (wide or is_named_column(table.rows, table.headers))

    def _heading(self, paragraph: Any) -> tuple[int, Style]:
        """Return the heading level of a paragraph, 0 for other text, and its style."""
        properties = paragraph.find(f"{W}pPr")
        style = self._parts.styles.get(value(properties, "pStyle") if properties is not None else "")
        return style.heading if properties is None else outline_level(properties, style.heading), style

    def _cell(self, cell: Any) -> str:
        """Return the text of a cell as one line, without the tables in it unless they are very deep."""
        lines: list[str] = []
        apart = {f"{W}txbxContent"} | ({f"{W}tbl"} if self._depth < _MOST_BOXES else set())
        for paragraph in cell.iter(f"{W}p"):
            if not any(
                node.tag in apart for node in takewhile(lambda node: node is not cell, paragraph.iterancestors())
            ):
                content = _Text()
                self._collect(paragraph, content)
                boxes = (plain_text(box) for box in content.boxes)
                lines += ["".join(content.pieces), *boxes, *content.notes]
        return " ".join(" ".join(lines).split())


def _run_text(node: Any, before: list[str]) -> str:
    """Return the text of a node, with "^" if it is raised and a power."""
    fonts = node.getparent().find(f"{W}rPr/{W}rFonts")
    text = with_symbols(node.text or "", "" if fonts is None else fonts.get(f"{W}ascii", ""))
    place = node.getparent().find(f"{W}rPr/{W}vertAlign")
    if place is None or place.get(f"{W}val") != "superscript":
        return str(text)
    return raised(before[-1] if before else "", text)


def children(element: Any) -> Iterator[Any]:
    """Yield the children of an element. Content controls and similar elements are replaced by their children."""
    waiting = [element]
    while waiting:
        node = waiting.pop()
        if node is element or node.tag in _TRANSPARENT:
            waiting.extend(reversed(list(node)))
        else:
            yield node


def plain_text(element: Any) -> str:
    """Return the text in an element as one line, or "" for None."""
    if element is None:
        return ""
    lines = ("".join(node.text or "" for node in paragraph.iter(f"{W}t")) for paragraph in element.iter(f"{W}p"))
    return " ".join(" ".join(lines).split())
