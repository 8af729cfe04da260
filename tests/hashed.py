"""Small indexes with the encoder that needs no model."""

from __future__ import annotations

import shortlist
from shortlist import registry
from shortlist.encoders.hashed import HashedEncoder

HASHED = "hashed-32"


def add(items, folder, *, bi_encoder=HASHED, **options):
    """Add paths or documents to the index in `folder`, which is made if it is missing, and return the report."""
    config = shortlist.SearchConfig(bi_encoder=bi_encoder)
    with shortlist.open(folder, create=True, config=config) as index:
        return index.add(items, **options)


def documents(*ids, text="all about"):
    """One document for each id, with a text of its own."""
    return [{"id": key, "text": f"{text} {key}"} for key in ids]


def passages_in(folder):
    """All passages of the index as (id, text), sorted. The ledger and the engine must agree."""
    with registry.INDEXES.open(folder) as collection:
        ledger = collection.ledger
        entries = [entry for name in ledger.known_sources() for entry in ledger.documents(name).values()]
        passages = sorted((passage.id, passage.text) for passage in collection.index.passages())
        assert ledger.pending() == []
        assert sorted(key for entry in entries for key in entry.passages) == [key for key, _ in passages]
        return passages


def remove(names, folder):
    """Remove sources and documents from the index in `folder`, and return the number of removed documents."""
    with shortlist.open(folder) as index:
        return index.remove(names)


def index_of(passages, folder, *, dimension=32):
    """A new index in `folder` with exactly these passages, which come from no document."""
    encoder = HashedEncoder(dimension)
    with registry.INDEXES.create(folder, encoder.name, encoder.dimension) as collection:
        collection.index.add(passages, encoder.encode_passages([passage.content for passage in passages]))
