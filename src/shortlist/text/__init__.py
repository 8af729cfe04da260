"""Pure functions on text: documents to passages, a passage to a snippet, Markdown to plain text."""

from shortlist.text.headings import Heading, headings
from shortlist.text.outline import MARKDOWN_FORMATS
from shortlist.text.plain import plain
from shortlist.text.snippet import marked, snippet
from shortlist.text.splitter import Splitter

__all__ = ["MARKDOWN_FORMATS", "Heading", "Splitter", "headings", "marked", "plain", "snippet"]
