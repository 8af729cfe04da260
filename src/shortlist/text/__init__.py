"""Text in, pieces of text out: documents to passages, a passage to a snippet. Pure functions of their arguments."""

from shortlist.text.headings import Heading, headings
from shortlist.text.snippet import snippet
from shortlist.text.splitter import MARKDOWN_FORMATS, Splitter

__all__ = ["MARKDOWN_FORMATS", "Heading", "Splitter", "headings", "snippet"]
