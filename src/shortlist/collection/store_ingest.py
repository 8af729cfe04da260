"""The passages of a store into an index."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.collection.ingest import PASSAGES_PER_COMMIT, Batch, Ingest
from shortlist.collection.ledger import Entry
from shortlist.collection.refused import refused_notes
from shortlist.collection.report import IngestReport
from shortlist.documents import Skipped
from shortlist.errors import InvalidInput
from shortlist.stores.encoder_check import Form, check_encoder, form_of
from shortlist.stores.store import Store
from shortlist.types import Note, Passage

FORMAT = "import-1"
"""The version of the import. A new version makes the next run write unchanged passages again."""
TEXT_ALONE = "they have titles, which an index encodes with the text, and the store has the vectors of the text alone"
NO_VECTOR = "the store has no usable vector for at least one of them"


class StoreIngest(Ingest):
    """One run over a store, by the same rules as for the documents of a file.

    Each passage of the store is stored as it is, with its id and its document's id: it is not split again. The ledger
    records each passage as a document of its own, whose source is the store.
    """

    def run_store(self, store: Store) -> IngestReport:
        """Write the new and changed passages, remove those that the store no longer has, and return what was done.

        The index takes the vectors of the store if the encoder of the index made them, with the title if the passage
        has one. Otherwise, the encoder encodes the passages. Notes of the report have the reasons. Rows with a repeated
        id, and rows that are no passage, are in the list of what was skipped.

        Raises:
            InvalidInput: The store cannot list its passages.
            StoreError: The store does not answer, or refuses the request.
            IndexWriteFailed: As `run`.
        """
        skipped = self.report.skipped
        passages = store.passages(lambda note: skipped.append(Skipped(store.name, "", note)))
        if passages is None:
            raise InvalidInput(f"{store.name} cannot list its passages, so they cannot be added")
        self._start()
        self._store, self._reused, self._reasons = store, 0, Counter[str]()
        self._titled: Form | None = None
        self._refusal = self._checked(store)
        for _ in self._reporter.sources([store.name], [0]):
            self._read(store.name, passages)
        self.report.notes += [Note("vectors_encoded", count=n, reason=why) for why, n in self._reasons.items()]
        if self._reused:
            self.report.notes.append(Note("vectors_taken", count=self._reused, store=store.name))
        return self._finish()

    def _checked(self, store: Store) -> str:
        """Return the reason why no vector of the store can be taken, or "" if there is none."""
        if not store.has_vectors:
            return "the store has no vectors"
        try:
            check_encoder(store, self._encoder)
        except InvalidInput:
            return f"the vectors of the store are not those of {self._encoder.name}"
        return ""

    def _reason_to_encode(self, passage: Passage) -> str:
        """Return the reason why the vector of this passage cannot be taken, or "".

        The first passage with a title shows whether the vectors of the store have the title in them.
        """
        if self._refusal or not passage.title:
            return self._refusal
        if self._titled is None:
            self._titled = form_of(self._store, passage, self._encoder)
        if self._titled == "title and text":
            return ""
        return TEXT_ALONE if self._titled == "text" else f"their vectors are not those of {self._encoder.name}"

    def _read(self, name: str, passages: Iterator[Passage]) -> None:
        ledger = self.collection.ledger
        before = ledger.documents(name)
        seen: set[str] = set()
        refused: dict[str, str] = {}
        others = ledger.passage_ids() - {key for entry in before.values() for key in entry.passages}
        ledger.unfinish(name)
        reported = len(self.report.skipped)
        batch = Batch()
        for passage in passages:
            owner = ledger.owner(passage.id)
            if owner not in (None, name) or passage.id in others:
                refused[passage.id] = owner or "another document"
                continue
            seen.add(passage.id)
            self._put(batch, name, passage, before)
            if len(batch.passages) >= PASSAGES_PER_COMMIT:
                self._commit(batch)
                batch = Batch()
        self._commit(batch)
        self._drop([entry for key, entry in before.items() if key not in seen])
        self.report.documents_refused += len(refused)
        self.report.skipped += [Skipped(name, "", note) for note in refused_notes(refused)]
        skipped = [(item.place, item.note) for item in self.report.skipped[reported:]]
        ledger.finish(name, FORMAT, skipped)
        self.report.sources_read += 1

    def _put(self, batch: Batch, name: str, passage: Passage, before: Mapping[str, Entry]) -> None:
        """Put the passage into the batch if it is new or changed."""
        digest, entry = _digest(passage), before.get(passage.id)
        if entry is not None and entry.hash == digest and not entry.pending:
            self.report.documents_unchanged += 1
            return
        self.report.over_window += self._splitter.count_tokens(passage.content) > self._splitter.limit
        self._count_language(passage.text)
        batch.entries.append(Entry(passage.id, name, digest, (passage.id,)))
        batch.passages.append(passage)
        batch.old.append(entry.passages if entry is not None else ())

    def _vectors(self, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Return the vectors of the store for the passages that the encoder would encode alike, and encode the rest."""
        reasons: dict[str, str] = {}
        rows = np.empty((0, 0), dtype=np.float32)
        try:
            reasons = {passage.id: reason for passage in passages if (reason := self._reason_to_encode(passage))}
            known = [passage.id for passage in passages if passage.id not in reasons]
            rows = self._store.vectors(known) if known else rows
        except InvalidInput:  # a row without a vector
            known = []
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        usable = np.isfinite(rows).all(axis=1) & (lengths[:, 0] > 0)
        vectors = {key: row / length for key, row, length, use in zip(known, rows, lengths, usable, strict=True) if use}
        rest = [passage for passage in passages if passage.id not in vectors]
        self._reasons.update(reasons.get(passage.id, NO_VECTOR) for passage in rest)
        encoded = self._reporter.encode(rest, self._encoder) if rest else ()
        vectors |= {passage.id: row for passage, row in zip(rest, encoded, strict=True)}
        self._reused += len(passages) - len(rest)
        return np.array([vectors[passage.id] for passage in passages], dtype=np.float32)


def _digest(passage: Passage) -> str:
    """Return a hash of everything that is stored of the passage."""
    content = [FORMAT, passage.document_id, passage.title, passage.text, dict(passage.metadata)]
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode("utf-8"), digest_size=16).hexdigest()
