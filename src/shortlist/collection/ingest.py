"""Files into an index: only what is new or changed, safe to kill at any moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from shortlist.collection.collection import Collection
from shortlist.collection.ledger import Entry
from shortlist.collection.progress import Progress, Reporter
from shortlist.collection.removal import drop
from shortlist.documents import MEMORY, PassedOver, Skipped, Source, fingerprint, read
from shortlist.protocols import Encoder
from shortlist.text import Splitter
from shortlist.types import Document, Passage

PASSAGES_PER_COMMIT = 512

READERS = "read-2"
"""Changes with what is read of a file, so that the next run reads files again that did not change."""


@dataclass
class IngestReport:
    """What an ingest did. `over_window` counts those added passages that are longer than the splitter's limit.

    Three things are told of sources that did not change since an earlier run as well: `sources_empty` counts those that
    gave no document, `skipped` is what could not be read, and `replaced` counts, for each source that held any, the
    bytes that are no text in its encoding. `passed_over` names what was not looked into: it is hidden, say.
    `passages_total` is what the index holds afterwards, None where that was not asked for.
    """

    sources_read: int = 0
    sources_unchanged: int = 0
    sources_empty: int = 0
    sources_removed: int = 0
    documents_written: int = 0
    documents_unchanged: int = 0
    documents_removed: int = 0
    passages_added: int = 0
    passages_removed: int = 0
    over_window: int = 0
    passages_total: int | None = None
    seconds: float = 0.0
    skipped: list[Skipped] = field(default_factory=list)
    replaced: dict[str, int] = field(default_factory=dict)
    passed_over: list[PassedOver] = field(default_factory=list)


@dataclass
class _Batch:
    """Documents that are written in one commit; `old` holds, for each, the ids of the passages it has now."""

    entries: list[Entry] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    old: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A source with documents whose ids another source holds: each id with what to report if that stays so.

    `skipped` is what else could not be read of it.
    """

    source: Source
    mark: str
    skipped: list[tuple[str, str]]
    taken: dict[str, Skipped]


class Ingest:
    """One run over some sources. `progress` is called as `Reporter` says."""

    def __init__(
        self,
        collection: Collection,
        encoder: Encoder,
        splitter: Splitter,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.collection = collection
        self.report = IngestReport()
        self._encoder = encoder
        self._splitter = splitter
        self._reporter = Reporter(progress)
        self._settings = f"split-1 limit={splitter.limit}"
        self._waiting: list[_Waiting] = []

    def run(self, sources: Sequence[Source], *, prune: bool = False) -> IngestReport:
        """Brings the index up to date with `sources`, and with `prune` first removes those whose file is gone.

        Sources are named from the folder that the index lies in, see `Collection.root`; so are documents without an
        id of their own. A document's id belongs to the source that brought it first, until that source is read without
        it or pruned: another source's document under that id is reported as skipped, and read again in the next run.

        Raises:
            IndexWriteFailed: The disk is full or failing; what was committed before stays, and the same call
                goes on from there.
        """
        self._reopen_interrupted()
        if prune:
            self._prune()
        sources = [replace(source, root=self.collection.root) for source in sources]
        finished = self.collection.ledger.sources()
        sizes = [_size(source.path) for source in sources]
        for place in self._reporter.sources([source.name for source in sources], sizes):
            self._source(sources[place], finished.get(sources[place].name))
        self._take_freed()
        self._tell_unfinished()
        self.report.seconds = self._reporter.seconds
        return self.report

    def _reopen_interrupted(self) -> None:
        """Sources with documents that a kill left half written count as unread; reading them writes these anew."""
        for name in {entry.source for entry in self.collection.ledger.pending()}:
            self.collection.ledger.unfinish(name)

    def _tell_unfinished(self) -> None:
        pending = self.collection.ledger.pending()
        said = "an interrupted run left it half written: add it again, or"
        for name in sorted({entry.source for entry in pending} - {MEMORY.name}):
            self.report.skipped.append(Skipped(name, "", f"{said} prune if its file is gone"))
        for key in sorted(entry.id for entry in pending if entry.source == MEMORY.name):
            self.report.skipped.append(Skipped(MEMORY.name, f"document {key!r}", f"{said} remove it"))

    def _source(self, source: Source, known: str | None) -> None:
        try:
            mark = f"{fingerprint(source)} {READERS} {self._settings}"
        except OSError as error:
            self.report.skipped.append(Skipped(source.name, "", f"can't be read: {error.strerror or error}"))
            self.report.sources_empty += 1
            return
        if mark == known:
            if self.collection.ledger.gave_nothing(source.name):
                self.report.sources_empty += 1
            else:
                self.report.sources_unchanged += 1
            self._tell_kept(source.name)
            return
        ledger = self.collection.ledger
        ledger.unfinish(source.name)
        told = len(self.report.skipped)
        held = ledger.documents(source.name)
        seen: set[str] = set()
        taken: dict[str, Skipped] = {}
        self._write(source, self._documents(source, seen, taken), held)
        self._drop([entry for key, entry in held.items() if key not in seen])
        skipped = [(one.place, one.reason) for one in self.report.skipped[told:]]
        if taken:
            self._waiting.append(_Waiting(source, mark, skipped, taken))
        else:
            ledger.finish(source.name, mark, skipped, self.report.replaced.get(source.name, 0))
        if seen or taken:
            self.report.sources_read += 1
        else:
            self.report.sources_empty += 1

    def _tell_kept(self, name: str) -> None:
        """What an earlier run had to say of a source that did not change."""
        skipped, replaced = self.collection.ledger.told(name)
        self.report.skipped += [Skipped(name, *one) for one in skipped]
        if replaced:
            self.report.replaced[name] = replaced

    def _documents(self, source: Source, seen: set[str], taken: dict[str, Skipped]) -> Iterator[Document]:
        """The source's documents, their ids in `seen`; `taken` are ids of another source, the report says the rest."""
        for made in read(source):
            if isinstance(made, Skipped):
                self.report.skipped.append(made)
                continue
            replaced = made.metadata.get("replaced_bytes")
            if isinstance(replaced, int):
                self.report.replaced[source.name] = self.report.replaced.get(source.name, 0) + replaced
            owner = self.collection.ledger.owner(made.id)
            if owner not in (None, source.name):
                taken[made.id] = Skipped(source.name, "", f"id {made.id!r} is already used by {owner}")
                continue
            seen.add(made.id)
            yield made

    def _take_freed(self) -> None:
        """Writes documents whose id was taken when their source was read and is free now: those that moved.

        A source with ids that stay taken is not marked as read, so that the next run tries them again.
        """
        ledger = self.collection.ledger
        for one in self._waiting:
            free = {key for key in one.taken if ledger.owner(key) is None}
            if free:
                made = (found for found in read(one.source) if isinstance(found, Document) and found.id in free)
                self._write(one.source, made, {})
            left = [skipped for key, skipped in one.taken.items() if ledger.owner(key) != one.source.name]
            self.report.skipped += left
            if not left:
                replaced = self.report.replaced.get(one.source.name, 0)
                ledger.finish(one.source.name, one.mark, one.skipped, replaced)

    def _write(self, source: Source, documents: Iterable[Document], held: Mapping[str, Entry]) -> None:
        """Writes those documents that are not in `held` as they are."""
        batch = _Batch()
        for document in documents:
            digest = self._digest(document)
            before = held.get(document.id)
            if before is not None and before.hash == digest and not before.pending:
                self.report.documents_unchanged += 1
                continue
            passages = self._cut(document)
            batch.entries.append(Entry(document.id, source.name, digest, tuple(one.id for one in passages)))
            batch.passages += passages
            batch.old.append(before.passages if before is not None else ())
            if len(batch.passages) >= PASSAGES_PER_COMMIT:
                self._commit(batch)
                batch = _Batch()
        self._commit(batch)

    def _digest(self, document: Document) -> str:
        """A hash of all that a document's passages are made of, the splitter's settings included."""
        content = json.dumps([self._settings, document.title, document.text, dict(document.metadata)], sort_keys=True)
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _cut(self, document: Document) -> list[Passage]:
        passages = self._splitter.split(document)
        limit, count = self._splitter.limit, self._splitter.count_tokens
        self.report.over_window += sum(count(one.content) > limit for one in passages)
        return passages

    def _commit(self, batch: _Batch) -> None:
        if not batch.entries:
            return
        # What takes longest comes before the first change: an interruption here leaves everything as it was.
        vectors = self._reporter.encode(batch.passages, self._encoder)
        stale = {key for old in batch.old for key in old}
        self.collection.ledger.begin(
            [
                replace(entry, passages=tuple({*entry.passages, *old}))
                for entry, old in zip(batch.entries, batch.old, strict=True)
            ]
        )
        self.collection.index.delete(stale - {one.id for one in batch.passages})
        self.collection.index.add(batch.passages, vectors)
        self.collection.index.flush()
        self.collection.ledger.settle(batch.entries)
        self.report.documents_written += len(batch.entries)
        self.report.passages_added += len(batch.passages)
        self.report.passages_removed += len(stale)

    def _drop(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        drop(self.collection, entries)
        self.report.documents_removed += len(entries)
        self.report.passages_removed += sum(len(entry.passages) for entry in entries)

    def _prune(self) -> None:
        for name in sorted(self.collection.ledger.known_sources() - {MEMORY.name}):
            if not (self.collection.root / name).is_file():
                self.collection.ledger.unfinish(name)
                self._drop(list(self.collection.ledger.documents(name).values()))
                self.report.sources_removed += 1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
