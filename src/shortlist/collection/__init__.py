"""An index with any engine, in a folder or on a server: its contents, adding and removing, and the stored fits."""

from shortlist.collection.add import Adding
from shortlist.collection.collection import Collection, Engine
from shortlist.collection.contents import Contents, IndexedSource, Precomputed, contents
from shortlist.collection.discard import no_empty_index
from shortlist.collection.place import exists
from shortlist.collection.precompute import Precompute
from shortlist.collection.progress import Progress
from shortlist.collection.remove import remove
from shortlist.collection.report import IngestReport

__all__ = [
    "Adding",
    "Collection",
    "Contents",
    "Engine",
    "IndexedSource",
    "IngestReport",
    "Precompute",
    "Precomputed",
    "Progress",
    "contents",
    "exists",
    "no_empty_index",
    "remove",
]
