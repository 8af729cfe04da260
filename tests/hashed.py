"""Small indexes with the encoder that needs no model."""

from __future__ import annotations

import shortlist
from shortlist.indexes.embedded import EmbeddedIndex

HASHED = "hashed-32"


def add(paths, index, **options):
    return shortlist.add(paths, index, bi_encoder=HASHED, **options)


def add_documents(documents, index, **options):
    return shortlist.add_documents(documents, index, bi_encoder=HASHED, **options)


def made(*ids, text="all about"):
    return [{"id": one, "text": f"{text} {one}"} for one in ids]


def held(folder):
    """All passages as (id, text), sorted; the ledger and the shard have to agree."""
    with EmbeddedIndex.open(folder) as index:
        ledger = index.ledger
        entries = [one for name in ledger.known_sources() for one in ledger.documents(name).values()]
        assert ledger.pending() == []
        assert sorted(key for one in entries for key in one.passages) == index.ids()
        return sorted((one.id, one.text) for one in index.passages())
