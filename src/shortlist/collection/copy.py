"""Copy an index to another place without encoding its passages again. The process may be killed at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shortlist.collection.collection import Collection
from shortlist.collection.fits import FITS
from shortlist.collection.ledger import Entry
from shortlist.errors import IndexMismatch, InvalidInput, NotAnIndex
from shortlist.protocols import KeepsLength, ReturnsVectors

PASSAGES_PER_COMMIT = 512


@dataclass
class CopyReport:
    """The numbers of a copy. `documents_unchanged` were in the target already.

    `roots_differ` is True if the names of sources are relative to another folder in the target: `add` finds the files
    only if it runs where their names are the same. `states_left` is True if the source has stored states, which are not
    copied.
    """

    sources: int = 0
    documents: int = 0
    documents_unchanged: int = 0
    passages: int = 0
    roots_differ: bool = False
    states_left: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return dict(vars(self))


def copy(source: Collection, target: Collection, *, progress: Callable[[int, int], None] | None = None) -> CopyReport:
    """Copy every document, passage, vector and fit of an index into another one, and return what was done.

    The target is empty, or has a part of the documents of the source: an interrupted copy continues. Each document is
    pending in the target until all of its passages are there. The mean passage length of BM25 is copied, too, so both
    indexes give the same scores. `progress` is called with the number of copied documents, and that of all documents.

    Raises:
        InvalidInput: The source has half-written documents, or the target has other documents.
        IndexMismatch: The target has another bi-encoder.
        NotAnIndex: The source lacks a passage that its ledger lists.
        IndexLocked: Another process changes one of the two.
        IndexWriteFailed: The target cannot be written; what was copied before stays.
    """
    with source.writing(), target.writing():
        total = _checked(source, target)
        _copy_words(source, target)
        report = CopyReport(roots_differ=source.root != target.root, states_left=source.states is not None)
        show = progress or (lambda _done, _all: None)
        for name in sorted(source.ledger.known_sources()):
            report.sources += 1
            for entries in _batches(list(source.ledger.documents(name).values())):
                _copy_documents(source, target, entries, report)
                show(report.documents + report.documents_unchanged, total)
        for reading in source.ledger.readings():
            target.ledger.record(reading)
        for fit in FITS:
            text = source.place.files.read(fit)
            if text is not None:
                target.place.files.write(fit, text)
    return report


def _checked(source: Collection, target: Collection) -> int:
    """Return the number of documents of the source."""
    if (source.manifest.encoder, source.manifest.dimension) != (target.manifest.encoder, target.manifest.dimension):
        raise IndexMismatch(
            f"{target.name} was made with the bi-encoder {target.manifest.encoder}, and {source.name} with "
            f"{source.manifest.encoder}: copy to a new index"
        )
    pending = source.ledger.pending()
    if pending:
        raise InvalidInput(
            f"{source.name} has {len(pending)} half-written documents, such as {pending[0].id!r}: run add again, and "
            "then copy"
        )
    ids = set(source.ledger.ids())
    others = sorted(set(target.ledger.ids()) - ids)
    if others:
        raise InvalidInput(
            f"{target.name} has {len(others)} documents that {source.name} lacks, such as {others[0]!r}: copy to a new "
            "index, or remove them first"
        )
    return len(ids)


def _copy_words(source: Collection, target: Collection) -> None:
    """Copy what the weights of BM25 depend on: the language, and the mean length of passages."""
    if target.manifest.language != source.manifest.language:
        if target.manifest.language:
            raise IndexMismatch(
                f"{target.name} was made with the language {target.manifest.language}, and {source.name} with "
                f"{source.manifest.language or 'none'}: copy to a new index"
            )
        target.keep_language(source.manifest.language)
    if isinstance(source.index, KeepsLength) and isinstance(target.index, KeepsLength):
        length = source.index.average_length
        if length and target.index.average_length != length:
            if len(target.index):
                raise InvalidInput(
                    f"{target.name} has passages whose BM25 weights have another mean length than those of "
                    f"{source.name}: copy to a new index"
                )
            target.index.average_length = length


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    passages = 0
    for entry in entries:
        batch.append(entry)
        passages += len(entry.passages)
        if passages >= PASSAGES_PER_COMMIT:
            yield batch
            batch, passages = [], 0
    if batch:
        yield batch


def _copy_documents(source: Collection, target: Collection, entries: Sequence[Entry], report: CopyReport) -> None:
    before = {entry.id: target.ledger.entry(entry.id) for entry in entries}
    new = [entry for entry in entries if before[entry.id] != entry]
    report.documents_unchanged += len(entries) - len(new)
    if not new:
        return
    ids = [key for entry in new for key in entry.passages]
    index: object = source.index
    passages = source.index.get(ids)
    if len(passages) != len(ids) or not isinstance(index, ReturnsVectors):
        raise NotAnIndex(f"the index {source.name} is damaged: it lacks passages of the document {new[0].id!r}")
    vectors = index.vectors(ids)
    olds = [entry for entry in before.values() if entry is not None]
    old = {entry.id: entry.passages for entry in olds}
    target.ledger.begin([replace(entry, passages=(*{*entry.passages, *old.get(entry.id, ())},)) for entry in new])
    stale = {key for entry in new for key in old.get(entry.id, ())} - set(ids)
    target.index.delete(stale)
    target.index.add(passages, vectors)
    target.index.flush()
    target.ledger.settle(new)
    report.documents += len(new)
    report.passages += len(passages)
