"""Files to documents: find the files, recognise their formats, read them, report what cannot be read."""

from shortlist.documents.discovery import discover
from shortlist.documents.memory import MEMORY, checked
from shortlist.documents.options import ReadOptions
from shortlist.documents.reading import fingerprint, read
from shortlist.documents.source import PassedOver, Skipped, Source, UnknownFormat, named_from

__all__ = [
    "MEMORY",
    "PassedOver",
    "ReadOptions",
    "Skipped",
    "Source",
    "UnknownFormat",
    "checked",
    "discover",
    "fingerprint",
    "named_from",
    "read",
]
