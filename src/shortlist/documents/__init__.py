"""Files to documents: find them, recognise their format, read them; what can't be read is reported."""

from shortlist.documents.discovery import discover
from shortlist.documents.reading import fingerprint, read
from shortlist.documents.source import Skipped, Source

__all__ = ["Skipped", "Source", "discover", "fingerprint", "read"]
