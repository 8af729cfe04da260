"""What an index holds: add to it, look into it, remove from it."""

from shortlist.maintain.add import add, add_documents
from shortlist.maintain.contents import Contents, HeldSource, contents
from shortlist.maintain.remove import remove

__all__ = ["Contents", "HeldSource", "add", "add_documents", "contents", "remove"]
