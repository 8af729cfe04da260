"""The folder of an index, whatever its engine: what it holds, what goes in and out, what was fitted for it."""

from shortlist.collection.add import add_documents, add_paths
from shortlist.collection.collection import Collection, Engine, exists
from shortlist.collection.contents import Contents, Source, contents
from shortlist.collection.ingest import IngestReport
from shortlist.collection.progress import Progress
from shortlist.collection.remove import remove

__all__ = [
    "Collection",
    "Contents",
    "Engine",
    "IngestReport",
    "Progress",
    "Source",
    "add_documents",
    "add_paths",
    "contents",
    "exists",
    "remove",
]
