"""The report of an ingest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shortlist.documents import PassedOver, Skipped
from shortlist.documents.notes import EMPTY
from shortlist.reprs import short_repr
from shortlist.types import Note


@dataclass
class IngestReport:
    """The numbers of an ingest, and the content that it did not read.

    `sources_empty` counts the sources without text, and `sources_unread` those of which nothing could be read.
    `skipped` is content that was not read, and `replaced` maps a source to its number of bytes that are not text in
    its encoding. These four include sources that did not change since an earlier run. `passed_over` are files and
    folders that a walk left out. `documents_refused` counts the documents that were not written because their ids
    belong to other sources. `over_window` counts the added passages that are longer than the splitter's limit.
    `states_computed` counts the texts whose states the run computed, and `states_freed` the bytes of the states that
    the run deleted with `precompute=False`. `languages` counts the written documents by language. It leaves out
    documents of an unknown language, such as short ones. `notes` are facts to show, such as states of another
    reranker. `passages_total` is the number of passages in the index afterwards, or None if it was not counted.
    `seconds` is wall-clock time. `language` is that of BM25's terms.
    """

    sources_read: int = 0
    sources_unchanged: int = 0
    sources_empty: int = 0
    sources_unread: int = 0
    sources_removed: int = 0
    documents_written: int = 0
    documents_unchanged: int = 0
    documents_removed: int = 0
    documents_refused: int = 0
    passages_added: int = 0
    passages_removed: int = 0
    over_window: int = 0
    states_computed: int = 0
    states_freed: int = 0
    passages_total: int | None = None
    seconds: float = 0.0
    language: str = "english"
    skipped: list[Skipped] = field(default_factory=list)
    replaced: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    passed_over: list[PassedOver] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def __repr__(self) -> str:
        counts = {name: value for name, value in vars(self).items() if isinstance(value, int) and value}
        lists = {
            "skipped": self.skipped,
            "replaced": self.replaced,
            "passed_over": self.passed_over,
            "notes": self.notes,
        }
        return short_repr(self, None, counts | {name: len(items) for name, items in lists.items() if items})

    def count_without_documents(self, codes: Iterable[str]) -> None:
        """Count a source without documents. `codes` are those of its skipped content."""
        if EMPTY.issuperset(codes):
            self.sources_empty += 1
        else:
            self.sources_unread += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON object. A skipped item has its reason in words and as a note."""
        return {
            **vars(self),
            "skipped": [item.to_dict() for item in self.skipped],
            "replaced": dict(self.replaced),
            "languages": dict(self.languages),
            "passed_over": [item.to_dict() for item in self.passed_over],
            "notes": [note.to_dict() for note in self.notes],
        }
