"""The parts of a Word file next to its body: notes, comments, headers, and the count of what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shortlist.documents.docx.numbers import Numbers, W
from shortlist.documents.docx.styles import Styles
from shortlist.documents.office import parse_xml
from shortlist.documents.symbols import symbol

_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_OLE = "{urn:schemas-microsoft-com:office:office}OLEObject"
_DRAWN = {
    "http://schemas.openxmlformats.org/drawingml/2006/chart": "charts",
    "http://schemas.openxmlformats.org/drawingml/2006/diagram": "diagrams",
}
_PIECES = (f"{W}t", f"{W}tab", f"{W}br")
_GRAPHIC = "{http://schemas.openxmlformats.org/drawingml/2006/main}graphicData"


@dataclass
class Parts:
    """The styles and lists of a document, and its notes by their kind and id."""

    styles: Styles
    numbers: Numbers
    notes: dict[tuple[str, str], Any] = field(default_factory=dict)
    comments: dict[str, Any] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    feet: list[str] = field(default_factory=list)
    include: Sequence[str] = ()

    @classmethod
    def of(cls, word: Any, include: Sequence[str]) -> Parts:
        """Return the parts of an open document."""
        roots = _roots(word.part)
        parts = cls(Styles.of(word.styles.element), Numbers.of(next(iter(roots.get("numbering", ())), None)))
        parts.include = include
        for kind in ("footnote", "endnote"):
            for root in roots.get(f"{kind}s", ()):
                for note in root.iter(W + kind):
                    if note.get(f"{W}type", "normal") == "normal":
                        parts.notes[kind, note.get(f"{W}id", "")] = note
        for root in roots.get("comments", ()):
            parts.comments |= {comment.get(f"{W}id", ""): comment for comment in root.iter(f"{W}comment")}
        parts.heads = _margins(roots.get("header", ()))
        parts.feet = _margins(roots.get("footer", ()))
        return parts

    def headers(self) -> list[str]:
        """Return the texts of the headers, each once, if the options include them."""
        return self.heads if "headers" in self.include else []

    def footers(self) -> list[str]:
        """Return the texts of the footers, each once, if the options include them."""
        return self.feet if "headers" in self.include else []

    def left_out(self, body: Any) -> Iterator[tuple[str, int, str]]:
        """Yield what is not in the text: the part, its number, and the option that includes it ("": none)."""
        margins = len(self.heads) + len(self.feet)
        if margins and "headers" not in self.include:
            yield "headers or footers", margins, "headers"
        if self.comments and "comments" not in self.include:
            yield "comments", len(self.comments), "comments"
        drawn = [_DRAWN[uri] for uri in (item.get("uri", "") for item in body.iter(_GRAPHIC)) if uri in _DRAWN]
        programs = [item.get("ProgID", "").lower() for item in body.iter(_OLE)]
        drawn += ["old equation objects" if name.startswith(("equation", "mathtype")) else "" for name in programs]
        drawn += ["hidden texts" for run in body.iter(f"{W}r") if is_hidden(run) and any(run.itertext(f"{W}t"))]
        drawn += ["documents inside the document" for _ in body.iter(f"{W}altChunk")]
        signs = [
            node for node in body.iter(f"{W}sym") if not symbol(node.get(f"{W}font", ""), node.get(f"{W}char", ""))
        ]
        drawn += ["symbols of an unknown font" for _ in signs]
        for part in dict.fromkeys(drawn):
            yield part or "embedded files", drawn.count(part), ""


def is_hidden(element: Any) -> bool:
    """Return whether an element is a run of text that Word hides."""
    hidden = element.find(f"{W}rPr/{W}vanish") if element.tag == f"{W}r" else None
    return hidden is not None and hidden.get(f"{W}val", "1") not in ("0", "false", "off")


def _roots(document: Any) -> dict[str, list[Any]]:
    """Return the roots of the parts that the document names, by the type of the relationship."""
    roots: dict[str, list[Any]] = {}
    for relationship in document.rels.values():
        kind = relationship.reltype.removeprefix(_TYPES)
        if not relationship.is_external and kind in (
            "numbering", "footnotes", "endnotes", "comments", "header", "footer"
        ):  # fmt: skip
            roots.setdefault(kind, []).append(parse_xml(relationship.target_part.blob))
    return roots


def _margins(roots: Sequence[Any]) -> list[str]:
    """Return the texts of headers or footers, each once, without those that only number the pages."""
    texts = (" ".join(_words(root)) for root in roots)
    return [text for text in dict.fromkeys(texts) if any(character.isalpha() for character in text)]


def _words(root: Any) -> Iterator[str]:
    """Yield the words of a part. Paragraphs, tabs and line breaks separate words."""
    for paragraph in root.iter(f"{W}p"):
        text = "".join(node.text or "" if node.tag == f"{W}t" else " " for node in paragraph.iter(*_PIECES))
        yield from text.split()
