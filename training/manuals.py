"""Manuals of Debian packages as blocks of text: HTML, DocBook, man pages, Markdown and plain text.

A manual is a list of `(tag, text)`. Headings are "h1" to "h9", and rows of tables are between `("tr", "")` and
`("/tr", "")`. Passages of the judged pools were made from such blocks in several ways; `variants` yields them all.
"""

from __future__ import annotations

import bz2
import gzip
import html
import lzma
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lxml import etree
from lxml import html as lxml_html

Items = list[tuple[str, str]]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


HTML_BLOCKS = _names(
    """p li pre dd dt td th div h1 h2 h3 h4 h5 h6 ul ol dl table tr tbody thead blockquote section article body caption
    hr br address figure figcaption center form header footer nav aside main title head tfoot colgroup details
    summary"""
)
HTML_SKIPPED = _names("script style nav footer header")
SKIPPED_CLASSES = _names("toc navheader navfooter sphinxsidebar related footer")
DOCBOOK_SECTIONS = _names(
    """chapter article sect1 sect2 sect3 sect4 sect5 section appendix preface refentry refsect1 refsect2 refsect3
    refsection part book reference glossary glossdiv qandadiv qandaset simplesect bibliography"""
)
DOCBOOK_BLOCKS = DOCBOOK_SECTIONS | _names(
    """para simpara listitem screen programlisting term entry row title varlistentry variablelist itemizedlist
    orderedlist note tip warning important caution table informaltable figure mediaobject screenshot literallayout
    synopsis cmdsynopsis question answer qandaentry step procedure member subtitle titleabbrev blockquote example
    informalexample glossterm glossdef glossentry formalpara tgroup thead tbody segmentedlist seg highlights abstract
    sidebar refname refpurpose refnamediv caption imageobject textobject"""
)
DOCBOOK_SKIPPED = _names(
    """bookinfo articleinfo info chapterinfo sect1info sect2info toc index indexterm remark authorgroup legalnotice
    copyright keywordset refmeta refentryinfo"""
)
DOCBOOK_TAGS = {"term": "dt", "glossterm": "dt", "entry": "td", "screen": "pre", "programlisting": "pre"}
LISTING = 20  # words of a long listing that its short form keeps
PAGE_ROW = 12  # blocks above which a table's row lays out a page


def clean(text: str) -> str:
    """Return the text with single spaces."""
    return re.sub(r"\s+", " ", text).strip()


def is_heading(tag: str | None) -> bool:
    """Return whether the tag is "h" and a number."""
    return bool(tag) and tag[0] == "h" and tag[1:].isdigit()  # type: ignore[index]


class Walk:
    """Blocks of an element tree. Subclasses say what a block is, what is skipped, and how a block is tagged."""

    blocks: frozenset[str]
    sections: frozenset[str] = frozenset()
    row = "tr"

    def __init__(self) -> None:
        self.items: Items = []
        self.buffer: list[str] = []
        self.now: str | None = None

    def name(self, element: Any) -> str:
        """Return the element's name."""
        return str(element.tag.split("}")[-1])

    def is_skipped(self, element: Any, name: str) -> bool:
        """Return whether the element and all in it are left out."""
        raise NotImplementedError

    def tag(self, element: Any, name: str, tag: str | None, depth: int) -> str | None:
        """Return the tag of an element inside a block of `tag`; `depth` counts sections."""
        raise NotImplementedError

    def items_of(self, root: Any) -> Items:
        """Return the blocks below an element."""
        self._visit(root, None, 0)
        self._flush()
        return self.items

    def _flush(self) -> None:
        text = clean("".join(self.buffer))
        self.buffer.clear()
        if text:
            self.items.append((self.now or "", text))

    def _visit(self, element: Any, tag: str | None, depth: int) -> None:
        if not isinstance(element.tag, str) or self.is_skipped(element, name := self.name(element)):
            return
        is_block, depth = name in self.blocks, depth + (name in self.sections)
        if is_block:
            self._flush()
        if name == self.row:
            self.items.append(("tr", ""))
        own = self.tag(element, name, tag, depth)
        if is_block:
            self.now = own
        self.buffer.append(element.text or "")
        for child in element:
            self._visit(child, own, depth)
            if isinstance(child.tag, str) and self.name(child) in self.blocks:
                self.now = own
            self.buffer.append(child.tail or "")
        if is_block:
            self._flush()
            self.now = tag
        if name == self.row:
            self.items.append(("/tr", ""))


class HtmlWalk(Walk):
    """Blocks of an HTML page."""

    blocks = HTML_BLOCKS

    def name(self, element: Any) -> str:
        return str(element.tag.lower())

    def is_skipped(self, element: Any, name: str) -> bool:
        classes = set((element.get("class") or "").lower().split())
        return name in HTML_SKIPPED or bool(SKIPPED_CLASSES & classes)

    def tag(self, element: Any, name: str, tag: str | None, depth: int) -> str | None:
        if is_heading(tag):
            return tag
        return name if name in self.blocks and name not in ("br", "div", "hr") else tag


class DocBookWalk(Walk):
    """Blocks of a DocBook file."""

    blocks = DOCBOOK_BLOCKS
    sections = DOCBOOK_SECTIONS
    row = "row"

    def is_skipped(self, element: Any, name: str) -> bool:
        return name in DOCBOOK_SKIPPED

    def tag(self, element: Any, name: str, tag: str | None, depth: int) -> str | None:
        if name not in self.blocks:
            return tag
        if tag == "dt":
            return "dt"
        if name == "title":
            return f"h{max(1, min(9, depth))}" if self._heads_section(element) else "p"
        return DOCBOOK_TAGS.get(name, "p")

    def _heads_section(self, element: Any) -> bool:
        parent = element.getparent()
        return parent is not None and self.name(parent) in self.sections


def html_items(data: bytes) -> Items:
    """Return the blocks of an HTML page; empty if it cannot be parsed."""
    try:
        root = lxml_html.fromstring(data)
    except (etree.LxmlError, ValueError):
        return []
    return HtmlWalk().items_of(root)


def docbook_items(data: bytes, entity: Callable[[str], str], *, with_book: bool) -> Items:
    """Return the blocks of a DocBook file; `entity` is the text of an unknown entity. `with_book` adds the title."""
    text = re.sub(r"<\?xml[^>]*\?>", "", data.decode("utf-8", "replace"))
    text = re.sub(r"<!DOCTYPE[^\[>]*(\[.*?\]\s*)?>", "", text, flags=re.S)

    def put(match: re.Match[str]) -> str:
        if match[1] in ("amp", "lt", "gt", "quot", "apos"):
            return match[0]
        known = html.unescape(f"&{match[1]};")
        return known if not known.startswith("&") else entity(match[1])

    text = re.sub(r"&([A-Za-z][\w.-]*);", put, text)
    info = re.search(r"<(?:bookinfo|articleinfo|info)\b.*?<title>(.*?)</title>", text, re.S) if with_book else None
    if info:
        title = info[1]
        text = re.sub(r"(<(?:book|article)\b[^>]*>)", lambda tag: f"{tag[1]}<title>{title}</title>", text, count=1)
    parser = etree.XMLParser(recover=True, huge_tree=True)
    try:
        root = etree.fromstring(f"<root>{text}</root>".encode(), parser)
    except (etree.LxmlError, ValueError):
        return []
    return DocBookWalk().items_of(root) if root is not None else []


def man_items(file: Path) -> Iterator[Items]:
    """Yield the blocks of a man page in two ways: lines as they are, and terms joined with their text."""
    command = ["man", "--nh", "--nj", "-l", str(file)]
    run = subprocess.run(command, capture_output=True, env=dict(os.environ, MANWIDTH="5000", LC_ALL="C.UTF-8"))
    text = re.sub(r"\x1b\[[0-9;]*m", "", re.sub(r".\x08", "", run.stdout.decode("utf-8", "replace")))
    base, _, section = file.name.removesuffix(".gz").rpartition(".")
    lines = text.split("\n")[1:]
    for join in (False, True):
        blocks = (_man_block(lines, number, join=join) for number, line in enumerate(lines) if line.strip())
        yield [("h1", f"{base}({section})"), *(block for block in blocks if block)]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _man_block(lines: list[str], number: int, *, join: bool) -> tuple[str, str] | None:
    line = lines[number]
    after = lines[number + 1] if number + 1 < len(lines) else ""
    if _indent(line) == 0:
        is_last = number > len(lines) - 4
        return None if is_last else ("h2", line.strip().capitalize())
    if _indent(line) == 3:
        return "h3", line.strip()
    if join and (term := re.match(r"^ +(\S(?:.*?\S)?)   +(\S.*)$", line)):
        return "p", f"{clean(term[1])}: {clean(term[2])}"
    if join and after.strip() and _indent(after) > _indent(line):
        return "dt", clean(line)
    return "p", clean(line)


class Lines:
    """Blocks of Markdown or plain text, line by line. `loose` keeps code fences, and sees headings in plain text."""

    def __init__(self, *, markdown: bool, loose: bool) -> None:
        self.markdown, self.loose = markdown, loose
        self.items: Items = []
        self.paragraph: list[str] = []
        self.in_code = False

    def items_of(self, data: bytes) -> Items:
        """Return the blocks of a file."""
        lines = data.decode("utf-8", "replace").replace("\r", "").split("\n")
        for line, after in zip(lines, [*lines[1:], ""], strict=True):
            if not (self._markdown(line) if self.markdown else self._underline(line)):
                self._line(line, after)
        self._flush()
        return self.items

    def _flush(self) -> None:
        if text := clean(" ".join(self.paragraph)):
            self.items.append(("p", text))
        self.paragraph.clear()

    def _markdown(self, line: str) -> bool:
        if re.match(r"\s*(```|~~~)", line):
            self.in_code = not self.in_code
            self._flush()
            if self.loose:
                self.paragraph.append(line)
            return True
        heading = None if self.in_code else re.match(r"(#+)\s+(.*?)\s*#*$", line)
        if heading:
            self._flush()
            self.items.append((f"h{len(heading[1])}", clean(re.sub(r"<[^>]*>", "", heading[2]))))
        return bool(heading)

    def _underline(self, line: str) -> bool:
        if not re.match(r'^\s*[=\-~^*#"+]{3,}\s*$', line):
            return False
        if len(self.paragraph) == 1:
            level = 1 if "=" in line else 2 if "-" in line else 3
            self.items.append((f"h{level}", clean(self.paragraph[0])))
            self.paragraph.clear()
        else:
            self._flush()
        return True

    def _line(self, line: str, after: str) -> None:
        if not line.strip():
            self._flush()
            return
        if not self.in_code and re.match(r"\s*([*+-]|\d+[.)])\s", line):
            self._flush()
        if not self.markdown and self.loose and self._is_loose_heading(line, after):
            self._flush()
            self.items.append(("h2", line.strip()))
            return
        self.paragraph.append(line)

    def _is_loose_heading(self, line: str, after: str) -> bool:
        numbered = re.match(r"^\d+(\.\d+)*\.?\s+\S", line)
        return bool(numbered) or (line[0] != " " and not after.strip() and not self.paragraph)


def joined_rows(items: Items, separator: str) -> Items:
    """Return the items with each row of a table as one block; a row that lays out a page stays as it is."""
    whole: Items = []
    rows: list[Items] = []
    for tag, text in items:
        if tag == "tr":
            rows.append([])
        elif tag == "/tr":
            if rows:
                row = rows.pop()
                (rows[-1] if rows else whole).extend(_joined(row, separator))
        else:
            (rows[-1] if rows else whole).append((tag, text))
    return [*whole, *(item for row in rows for item in row)]


def _joined(row: Items, separator: str) -> Items:
    lays_out = any(is_heading(tag) or tag == "pre" for tag, _ in row) or len(row) > PAGE_ROW
    return row if lays_out or not row else [("td", separator.join(text for _, text in row))]


def with_terms(items: Items) -> Items:
    """Return the items with "Term: first block of its description" in place of a term and this block."""
    out: Items = []
    terms: list[str] = []
    for tag, text in items:
        if tag == "dt":
            terms.append(text.rstrip("¶\uf0c1 "))
        elif terms and not is_heading(tag):
            out.append((tag, " ".join(terms) + ": " + text))
            terms = []
        else:
            out.append((tag, text))
    return out


def _is_long(tag: str, text: str) -> bool:
    return tag == "pre" and text.count(" ") >= LISTING


def short_listings(items: Items) -> Items:
    """Return the items with the first words and " ..." in place of a long listing."""
    return [(tag, " ".join(text.split(" ")[:LISTING]) + " ..." if _is_long(tag, text) else text) for tag, text in items]


def variants(items: Items) -> Iterator[tuple[Items, bool]]:
    """Yield the ways in which passages were made of a manual, and whether a passage may begin at a sentence."""
    yield with_terms(joined_rows(items, ": ")), True
    if any(_is_long(tag, text) for tag, text in items):
        yield with_terms(joined_rows(short_listings(items), ": ")), True
    if any(tag == "tr" for tag, _ in items):
        yield with_terms(joined_rows(items, " ")), False
        yield with_terms([item for item in items if item[0] not in ("tr", "/tr")]), False


ENTITIES: tuple[Callable[[str], str], ...] = (
    str.capitalize,
    lambda name: name[0].upper() + name[1:],
    lambda name: f"&amp;{name};",
)


DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}


def decompressed(file: Path) -> bytes:
    """Return the content of a file that may be compressed."""
    return DECOMPRESS.get(file.suffix, bytes)(file.read_bytes())


def manuals(kind: str, file: Path) -> Iterator[Items]:
    """Yield the blocks of a file of a `kind`, in each way that it can be read."""
    if kind == "man":
        yield from man_items(file)
        return
    data = decompressed(file)
    if kind == "html":
        yield html_items(data)
    elif kind == "cache":
        pages = re.split(rb'<FILENAME filename="[^"]*">', data)
        yield from (html_items(page) for page in pages if page.strip())
    elif kind == "docbook":
        for entity in ENTITIES:
            yield from (docbook_items(data, entity, with_book=with_book) for with_book in (True, False))
    else:
        for loose in (False, True):
            yield Lines(markdown=kind == "md", loose=loose).items_of(data)
