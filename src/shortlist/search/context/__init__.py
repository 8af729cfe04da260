"""The passages around hits as one text for a prompt."""

from shortlist.search.context.context import Block, Context
from shortlist.search.context.options import ContextOptions, ContextParts, check_context
from shortlist.search.context.reading import context_of

__all__ = ["Block", "Context", "ContextOptions", "ContextParts", "check_context", "context_of"]
