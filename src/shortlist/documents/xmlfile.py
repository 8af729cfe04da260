"""XML: one document per file, as light Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from shortlist.documents import html
from shortlist.documents.decoding import clean, decode, guess_note, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.office import errors, parse_xml
from shortlist.documents.source import Record, Skipped, Source
from shortlist.documents.titles import best_title
from shortlist.documents.xml_names import local_name
from shortlist.documents.xml_text import Tree
from shortlist.types import Document, Note

_DECLARATION = re.compile(r"\A\s*<\?xml\b[^>]{0,300}\?>\s*")
_NO_XML = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_OF_HTML = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,31};")


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the file as one document: see `xml_text`. A page of XHTML is read as HTML.

    The title is that of the whole file, or the file name. Entities of the file and of HTML become their text.
    References to other entities stay as they are, and are counted.
    """
    data = read_bytes(source.path)
    text, replaced, guessed = decode(data, html.declared_encoding(data[:4096]), source.options.encoding)
    with errors("XML"):
        root = _parsed(_NO_XML.sub(" ", _DECLARATION.sub("", text)))
        tree = None if local_name(root) == "html" else Tree(root)
        title, body = ("", "") if tree is None else (clean(tree.title())[0], clean(tree.text())[0])
    if tree is None:
        yield from html.read(source)
        return
    yield from guess_note(source, guessed)
    fields = metadata(source, replaced_bytes=replaced)
    yield Record("", Document(source.name, body, best_title(source, title), fields))
    if tree.unresolved:
        note = Note("part_left_out", part="entity references", count=tree.unresolved, include="")
        yield Skipped(source.name, "", note)


def _parsed(text: str) -> Any:
    """Return the root element. If entities of HTML are not declared, they become their characters first."""
    from lxml.etree import XMLSyntaxError

    try:
        return parse_xml(text.encode())
    except XMLSyntaxError:
        plain = _OF_HTML.sub(lambda match: unescape(match[0]), text)
        if plain == text:
            raise
        return parse_xml(plain.encode())
