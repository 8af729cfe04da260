"""Files to documents."""

from shortlist.documents.parts import Skipped, Source
from shortlist.documents.sources import discover, fingerprint, read

__all__ = ["Skipped", "Source", "discover", "fingerprint", "read"]
