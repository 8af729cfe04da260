"""Documents that come from no file into an index."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.collection.ingest import Ingest
from shortlist.collection.ledger import Entry
from shortlist.collection.report import IngestReport
from shortlist.documents import MEMORY
from shortlist.errors import InvalidInput
from shortlist.types import Document


class DocumentIngest(Ingest):
    """One run over some documents, by the same rules as for the documents of a file."""

    def run_documents(self, documents: Sequence[Document]) -> IngestReport:
        """Write the new and changed documents, and return what was done. Other documents of the index stay.

        The documents belong to the source `MEMORY`, which is never pruned. Ids must be unique.

        Raises:
            InvalidInput: A file gave one of the ids; nothing is written then.
            IndexWriteFailed: As `run`.
        """
        before = self._known(documents)
        self._start()
        sizes = [len(document.text.encode()) for document in documents]
        places = self._reporter.sources([MEMORY.name] * len(documents), sizes)
        self._write(MEMORY, (documents[place] for place in places), before.get)
        if self.report.documents_written:
            self.collection.ledger.stamp(MEMORY.name)
        return self._finish()

    def _known(self, documents: Sequence[Document]) -> dict[str, Entry]:
        """Return the entries of those documents that the index has."""
        known: dict[str, Entry] = {}
        for document in documents:
            entry = self.collection.ledger.entry(document.id)
            if entry is not None and entry.source != MEMORY.name:
                raise InvalidInput(
                    f"the id {document.id!r} is already used by {entry.source}: give another id, or remove that "
                    "document first"
                )
            if entry is not None:
                known[document.id] = entry
        return known
