"""Judged ids as the server shows them: without the folders of the machine."""

from __future__ import annotations

from collections.abc import Iterable

from shortlist.redaction import Names
from shortlist.types import Passage, Qrels


def with_stored_ids(qrels: Qrels, corpus: Iterable[Passage]) -> Qrels:
    """Return the judgments with the ids of the corpus in place of the ids that the server shows for them.

    The server shows ids relative to the folder that contains all sources. Ids that the corpus has, and ids that mean
    none or several of its passages and documents, stay.
    """
    ids: set[str] = set()
    sources: set[str] = set()
    for passage in corpus:
        ids |= {passage.id, passage.document_id}
        if isinstance(source := passage.metadata.get("source"), str):
            sources.add(source)
    names = Names.of(sources)
    if not names.folders:
        return qrels

    def stored(key: str) -> str:
        known = [] if key in ids else [name for name in names.originals(key) if name in ids]
        return known[0] if len(known) == 1 else key

    return {query: {stored(key): grade for key, grade in grades.items()} for query, grades in qrels.items()}
