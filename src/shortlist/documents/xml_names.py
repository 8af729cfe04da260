"""The names of elements in DocBook, JATS, TEI, DITA and feeds, and what they contain."""

from __future__ import annotations

import re
from typing import Any

PARAGRAPHS = frozenset(("p", "para", "simpara", "ab", "l", "shortdesc", "formalpara"))
PROSE = PARAGRAPHS | frozenset(("abstract", "description", "summary", "content", "encoded", "subtitle", "term", "dt"))
"""Elements whose text stands without the name of the element."""

TITLES = frozenset(("title", "article-title", "head", "h1", "h2", "h3", "h4", "h5", "h6"))
INFO = re.compile(r"\w*info|front|article-meta|title-group|prolog|header|teiheader|filedesc")
"""Facts about a section, with its title."""

AROUND_TITLE = re.compile(rf"{INFO.pattern}|titlestmt|channel")
"""What may be between the root and the title of the file."""

CAPTIONED = re.compile(
    r"(?:informal)?table|table-wrap|fig|figure|example|equation|image|note|tip|warning|caution|important|step|sidebar|"
    r"formalpara|blockquote|caption|\w*list|titlestmt|thead|tbody|tr|row|(?:element|mixed)-citation|bibl\w*"
)
"""Elements whose title is no heading of a section."""

LISTS = re.compile(r"itemizedlist|orderedlist|simplelist|ol|ul|list|procedure|steps(?:-unordered)?")
NUMBERED = frozenset(("orderedlist", "ol", "procedure", "steps"))
TERMS = frozenset(("varlistentry", "dlentry", "def-item", "dl", "glossentry"))
TIGHT = frozenset(("l", "term", "dt"))
"""Elements that stand on a line of their own, without blank lines around them."""

CODE = frozenset(
    ("programlisting", "screen", "literallayout", "synopsis", "pre", "codeblock", "code-block", "verbatim")
)
NOTES = frozenset(("footnote", "fn"))
FEEDS = frozenset(("rss", "feed", "rdf"))
OF_FEEDS = frozenset(("description", "encoded", "summary", "content", "subtitle", "title"))
"""Elements of feeds whose text may be HTML."""

BLOCKS = (PARAGRAPHS | TITLES | CODE | TERMS) | frozenset(("table", "informaltable", "tgroup", "div", "section", "sec"))


def local_name(node: Any) -> str:
    """Return the name of an element in lower case without its namespace, or "" for other nodes."""
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""
