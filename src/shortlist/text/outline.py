"""Where a document can be split, and what its passages are called: headings, functions and classes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shortlist.text.boundaries import Layout
from shortlist.text.code import code_headings
from shortlist.text.headings import Heading, headings
from shortlist.text.markdown import read_form
from shortlist.types import Document

MARKDOWN_FORMATS = frozenset({"md", "html", "docx", "epub", "ipynb", "mhtml", "pptx", "warc", "xml"})
"""Values of the metadata field "format" for documents whose text is Markdown."""

MARKDOWN_SOURCES = frozenset({"md", "ipynb"})
"""Those of them whose text is as an author wrote it, and not made by a reader."""

CODE_FORMAT = "code"
"""The value for source code, which is split at its functions and classes."""

_LINES = frozenset({"csv", "docx", "epub", "html", "json", "mhtml", "pptx", "warc", "xlsx", "xml"})
"""Formats whose readers break no line inside a paragraph."""

_WORD = re.compile(r"\w+")


def format_of(metadata: Mapping[str, object]) -> str:
    """Return the metadata field "format", or an empty string if it is missing or no text."""
    form = metadata.get("format")
    return form if isinstance(form, str) else ""


def is_markdown(metadata: Mapping[str, object]) -> bool:
    """Return whether the text of a passage with this metadata is Markdown. Without a format, it counts as Markdown."""
    return "format" not in metadata or format_of(metadata) in MARKDOWN_FORMATS


def document_headings(document: Document) -> list[Heading]:
    """Return the places to split at: the headings of Markdown, or the functions and classes of source code."""
    form = format_of(document.metadata)
    if form == CODE_FORMAT:
        return code_headings(document.text, str(document.metadata.get("language", "")))
    every = headings(document.text) if form in MARKDOWN_FORMATS else []
    if form not in MARKDOWN_SOURCES:
        return every
    titled = (heading._replace(title=read_form(heading.title).strip()) for heading in every)
    return [heading for heading in titled if heading.title]


def layout_of(document: Document) -> Layout:
    """Return what a line of the document is."""
    form = format_of(document.metadata)
    return "code" if form == CODE_FORMAT else "lines" if form in _LINES else "wrapped"


def page_heading(title: str, section_headings: Sequence[Heading]) -> Heading | None:
    """Return the first heading if it heads the whole page and repeats the title, extends it, or is a part of it.

    It heads the page if every other heading has a lower rank. "git-revert(1) Manual Page" extends "git-revert(1)", and
    "Install" is a part of "Install - Handbook".
    """
    if not section_headings or any(heading.level <= section_headings[0].level for heading in section_headings[1:]):
        return None
    own, words = _WORD.findall(title.casefold()), _WORD.findall(section_headings[0].title.casefold())
    size = min(len(own), len(words))
    same = size > 0 and (own[:size] == words[:size] or own[-len(words) :] == words)
    return section_headings[0] if same else None
