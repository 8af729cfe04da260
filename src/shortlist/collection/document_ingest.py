"""Documents that lie in no file into an index."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.collection.ingest import Ingest, IngestReport
from shortlist.collection.ledger import Entry
from shortlist.documents import MEMORY
from shortlist.errors import InvalidInput
from shortlist.types import Document


class DocumentIngest(Ingest):
    """One run over some documents, by the rules for those of a file."""

    def run_documents(self, documents: Sequence[Document]) -> IngestReport:
        """Writes those of `documents` that are new or changed; whatever else the index holds stays.

        They belong to the source `MEMORY`, which is never pruned. Each id must be there once.

        Raises:
            InvalidInput: A file brought one of the ids; nothing is written.
            IndexWriteFailed: As `run`.
        """
        held = self._held_in_memory(documents)
        self._reopen_interrupted()
        sizes = [len(document.text.encode()) for document in documents]
        places = self._reporter.sources([MEMORY.name] * len(documents), sizes)
        self._write(MEMORY, (documents[place] for place in places), held)
        if self.report.documents_written:
            self.collection.ledger.stamp(MEMORY.name)
        self._tell_unfinished()
        self.report.seconds = self._reporter.seconds
        return self.report

    def _held_in_memory(self, documents: Sequence[Document]) -> dict[str, Entry]:
        held: dict[str, Entry] = {}
        for one in documents:
            entry = self.collection.ledger.entry(one.id)
            if entry is not None and entry.source != MEMORY.name:
                raise InvalidInput(
                    f"the id {one.id!r} is already used by {entry.source}: give another id, or remove that one first"
                )
            if entry is not None:
                held[one.id] = entry
        return held
