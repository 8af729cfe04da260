"""What an index holds: add to it, look into it, remove from it."""

from shortlist.collection.add import add, add_documents
from shortlist.collection.contents import Contents, HeldSource, contents
from shortlist.collection.remove import remove

__all__ = ["Contents", "HeldSource", "add", "add_documents", "contents", "remove"]
