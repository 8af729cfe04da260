"""Pure functions on text: documents to passages, a passage to a snippet, Markdown to plain text."""

from shortlist.text.headings import Heading, headings
from shortlist.text.outline import is_markdown
from shortlist.text.plain import plain
from shortlist.text.snippet import marked, snippet
from shortlist.text.splitter import Splitter

__all__ = ["Heading", "Splitter", "headings", "is_markdown", "marked", "plain", "snippet"]
