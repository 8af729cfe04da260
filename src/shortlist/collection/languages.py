"""The languages of the texts of an index, and of its models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from shortlist.documents import Source, read
from shortlist.errors import InvalidInput
from shortlist.models.known import find
from shortlist.types import Document, Note

SOURCES, DOCUMENTS = 20, 3
"""How many sources, and how many documents of each, show the language of a new index."""

LEAST_SHARE = 0.1
"""A note about the models is given if at least this share of the documents has a language that they do not read."""


def sample_of(sources: Sequence[Source]) -> Iterator[str]:
    """Yield the first texts of some sources, spread over all. What cannot be read is left out here."""
    step = max(1.0, len(sources) / SOURCES)
    for source in [sources[int(place * step)] for place in range(min(len(sources), SOURCES))]:
        without_ocr = replace(source, options=replace(source.options, ocr=None))
        try:
            documents = (item for item in read(without_ocr) if isinstance(item, Document))
            yield from (document.text for document in islice(documents, DOCUMENTS))
        except (OSError, InvalidInput):
            continue


def notes_on_languages(documents: Mapping[str, int], total: int, language: str, models: Sequence[str]) -> list[Note]:
    """Return the notes about documents that the models of the index do not read, or BM25 does not stem.

    Args:
        documents: The number of new documents of each known language.
        total: The number of all new documents, those of an unknown language included.
        language: The language of BM25's terms.
        models: The names of the bi-encoder and the reranker. Nothing is known of models that are not in `models.known`.
    """
    notes = []
    for model in models:
        record = find(model)
        foreign = {name: count for name, count in documents.items() if record and name not in record.languages}
        count = sum(foreign.values())
        if record and count >= max(1, LEAST_SHARE * total):
            languages = sorted(foreign, key=lambda name: (-foreign[name], name))
            notes.append(
                Note(
                    "model_language",
                    count=count,
                    documents=total,
                    languages=languages,
                    model=model,
                    reads=list(record.languages),
                )
            )
    most = max(sorted(documents), key=lambda name: documents[name], default=language)
    if most != language and 2 * documents[most] > total:
        notes.append(
            Note("index_language", count=documents[most], documents=total, language=most, index_language=language)
        )
    return notes
