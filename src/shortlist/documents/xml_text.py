"""An XML tree as light Markdown: paragraphs, headings, lists, code and tables of DocBook, JATS, TEI, DITA and feeds.

Other files are read by their form. An element with text of its own is a paragraph, an element with elements alone
contains paragraphs, and a short element without elements is a line "name: text". A file without paragraphs of the usual
names is data: the values of its attributes are read, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from itertools import takewhile
from typing import Any, NamedTuple

from shortlist.documents.html import parse_page
from shortlist.documents.xml_names import (
    AROUND_TITLE,
    BLOCKS,
    CAPTIONED,
    CODE,
    FEEDS,
    INFO,
    LISTS,
    NOTES,
    NUMBERED,
    OF_FEEDS,
    PARAGRAPHS,
    PROSE,
    TERMS,
    TIGHT,
    TITLES,
    local_name,
)
from shortlist.documents.xml_tables import is_table, table_text

_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&#?\w+;")
_LONGEST_VALUE = 200
_LONGEST_ENTITY = 1000
_DEEPEST = 6


class _Block(NamedTuple):
    """A block of text. Two tight blocks have no blank line between them."""

    text: str
    tight: bool = False


_BREAK = _Block("")


class Tree:
    """The text of a tree. `unresolved` is the number of references to entities without a plain text of their own."""

    def __init__(self, root: Any) -> None:
        self.unresolved = 0
        self._root = root
        self._nodes = list(root.iter())  # as long as the list exists, a node is the same object
        names = {local_name(node) for node in self._nodes}
        self._is_feed = local_name(root) in FEEDS
        self._is_data = not names & PARAGRAPHS
        self._holders: set[Any] = set()
        for node in filter(_is_block, self._nodes):
            self._holders.update(takewhile(lambda parent: parent not in self._holders, node.iterancestors()))
        dtd = root.getroottree().docinfo.internalDTD
        self._entities = {entity.name: entity.content for entity in dtd.iterentities()} if dtd is not None else {}

    def text(self) -> str:
        """Return the text of the whole tree."""
        pieces: list[str] = []
        before = _BREAK
        for block in self._written(self._root, 1):
            if block.text:
                pieces += ["\n" if block.tight and before.tight else "\n\n", block.text]
            before = block
        return "".join(pieces[1:])

    def title(self) -> str:
        """Return the title of the whole file, or "". Titles of records in it are left out."""
        for node in self._nodes:
            if local_name(node) in TITLES:
                around = [local_name(parent) for parent in node.iterancestors()][:-1]
                if all(map(AROUND_TITLE.fullmatch, around)) and (words := self._words(node)):
                    return words
        return ""

    def _written(self, node: Any, level: int) -> Iterator[_Block]:
        """Yield the blocks of an element. `level` is that of a heading in it."""
        name = local_name(node)
        if name in CODE:
            yield _Block(f"```\n{self._raw(node).strip(chr(10))}\n```")
        elif is_table(node):
            yield from (_Block(self._line(child)) for child in node if local_name(child) in TITLES)
            yield _Block(table_text(node, self._line))
        elif name in TITLES and node not in self._holders and not (self._is_data and not self._is_feed):
            parent = node.getparent()
            captioned = parent is None or CAPTIONED.fullmatch(local_name(parent))
            words = self._words(node)
            yield _Block(words if captioned or not words else f"{'#' * min(level, _DEEPEST)} {words}")
        elif mark := _mark(node):
            yield from _marked(mark, self._content(node, level))
        elif len(node) or name in PROSE or node is self._root:
            tight = name in TIGHT
            yield from (block._replace(tight=block.tight or tight) for block in self._content(node, level))
        else:
            yield self._value(node)

    def _content(self, node: Any, level: int) -> Iterator[_Block]:
        """Yield the blocks inside an element."""
        own = (node.text or "") + "".join(child.tail or "" for child in node)
        if self._is_feed and local_name(node) in OF_FEEDS and _MARKUP.search(own) and not len(node):
            yield _Block(parse_page(own).text)
        elif own.strip() or not len(node) or local_name(node) in PARAGRAPHS:
            yield from self._paragraphs(node, level)
        else:
            yield _BREAK
            if self._is_data and node is not self._root and (values := _attributes(node)):
                yield _Block(f"{_label(node)}:{values}", tight=True)
            titled = _is_titled(node)
            for child in node:
                name = local_name(child)
                if name:
                    yield from self._written(
                        child, level + (titled and name not in TITLES and not INFO.fullmatch(name))
                    )
                else:
                    yield _Block(self._entity(child))
            yield _BREAK

    def _paragraphs(self, node: Any, level: int) -> Iterator[_Block]:
        """Yield the text of an element as paragraphs, with the blocks in it between them, and footnotes after it."""
        pieces: list[str] = []
        notes: list[Any] = []
        for part in self._inline(node):
            if isinstance(part, str):
                pieces.append(part)
            elif local_name(part) in NOTES:
                notes.append(part)
            else:
                yield _Block(_SPACE.sub(" ", "".join(pieces)).strip())
                pieces = []
                yield from self._written(part, level)
        yield _Block(_SPACE.sub(" ", "".join(pieces)).strip())
        for note in notes:
            yield from self._content(note, level)

    def _inline(self, node: Any) -> Iterator[Any]:
        """Yield the texts in an element, and the blocks in it as elements."""
        yield node.text or ""
        for child in node:
            name = local_name(child)
            if not name:
                yield self._entity(child)
            elif name in NOTES or _is_block(child) or child in self._holders:
                yield child
            elif name in ("br", "lb"):
                yield " "
            else:
                yield from self._inline(child)
            yield child.tail or ""

    def _value(self, node: Any) -> _Block:
        """Return an element without elements: "name: text", or a paragraph if the text is long."""
        words = self._content_line(node)
        values = _attributes(node) if self._is_data else ""
        if len(words) > _LONGEST_VALUE or not (words or values):
            return _Block(words)
        return _Block(f"{_label(node)}{values}: {words}" if words else f"{_label(node)}:{values}", tight=True)

    def _line(self, node: Any) -> str:
        """Return all texts in an element, also those of its blocks, on one line."""
        words = (block.text for block in self._paragraphs(node, 1))
        return " ".join(_SPACE.sub(" ", text) for text in words if text)

    def _words(self, node: Any) -> str:
        """Return a title on one line. That of a feed may be HTML."""
        words = self._content_line(node)
        is_html = self._is_feed and _MARKUP.search(words)
        return " ".join(parse_page(words).text.split()) if is_html else words

    def _content_line(self, node: Any) -> str:
        return _SPACE.sub(" ", self._raw(node)).strip()

    def _raw(self, node: Any) -> str:
        """Return all texts in an element with their spaces and line ends."""
        pieces = [node.text or ""]
        for child in node:
            pieces += [self._raw(child) if local_name(child) else self._entity(child), child.tail or ""]
        return "".join(pieces)

    def _entity(self, node: Any) -> str:
        """Return the text of a reference: that of the file or of HTML, or the reference itself if it has none.

        A processing instruction has no text.
        """
        from lxml.etree import Entity

        if node.tag is not Entity:
            return ""
        reference = str(node.text)
        own = self._entities.get(reference.strip("&;"))
        if own is not None and len(own) <= _LONGEST_ENTITY and not re.search("[<&]", own):
            return str(own)
        plain = unescape(reference)
        self.unresolved += plain == reference
        return plain


def _is_block(node: Any) -> bool:
    name, parent = local_name(node), node.getparent()
    if name in TITLES and parent is not None and CAPTIONED.fullmatch(local_name(parent)):
        return False
    return name in BLOCKS or bool(LISTS.fullmatch(name))


def _is_titled(node: Any) -> bool:
    """Return whether an element has a title, in it or in the facts about it, and is a section."""
    if CAPTIONED.fullmatch(local_name(node)):
        return False
    children = [*node, *(inner for child in node if INFO.fullmatch(local_name(child)) for inner in child)]
    return any(local_name(child) in TITLES for child in children)


def _mark(node: Any) -> str:
    """Return what stands before an item of a list or a definition, or ""."""
    parent = node.getparent()
    name, around = local_name(node), local_name(parent) if parent is not None else ""
    if around in TERMS:
        return ":" if name in ("listitem", "dd", "def") else ""
    if not LISTS.fullmatch(around) or name in TITLES:
        return ""
    if around not in NUMBERED:
        return "-"
    first = next(place for place, child in enumerate(parent) if local_name(child) == name)
    return f"{parent.index(node) - first + 1}."


def _marked(mark: str, blocks: Iterator[_Block]) -> Iterator[_Block]:
    """Yield the blocks of an item, of which the first one gets its mark. Items of one block have no blank lines."""
    item = list(blocks)
    full = [block for block in item if block.text]
    if not full or full[0].text.startswith(("```", "|", "#", "- ")):
        yield from item
        return
    first = _Block(f"{mark} {full[0].text}", tight=True)
    yield from [first] if len(full) == 1 else (first if block is full[0] else block for block in item)


def _label(node: Any) -> str:
    return str(node.tag.rpartition("}")[2])


def _attributes(node: Any) -> str:
    """Return the attributes of an element without those of other vocabularies, as " name=value"."""
    return "".join(
        f" {name}={_SPACE.sub(' ', value).strip()}" for name, value in node.attrib.items() if "}" not in name
    )
