"""Stage one over several collections: one pool from the pools of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.protocols import KeepsPrefix, Retriever
from shortlist.redaction import FILE_FIELDS
from shortlist.search.expansion import RM3, expanding
from shortlist.search.fusion import added
from shortlist.search.pool import Retrieved, distinct_notes, notes_of, retrieved
from shortlist.types import BM25, BM25_SHARE, DENSE, Hit, Note, Passage, Where
from shortlist.wording import SEVERAL


@dataclass(frozen=True, slots=True)
class Part:
    """One collection: its name, its retriever, and its boost.

    A collection with a boost of 0.5 gets half as many places in the pool as one with a boost of 1.

    Raises:
        InvalidInput: The boost is not a number above 0.
    """

    name: str
    retriever: Retriever
    boost: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.boost, bool) or not math.isfinite(self.boost) or self.boost <= 0:
            raise InvalidInput(
                f"the boost of {self.name} must be a number above 0, not {self.boost}: to leave a collection out, do "
                "not name it",
                field="boosts",
            )


class MergedRetriever:
    """A retriever over several collections. Each one encodes the query with its own bi-encoder.

    The hits of all collections are merged by their rank in their own collection, divided by the boost of the
    collection: scores of stage one do not compare between collections, because BM25 counts words in one collection, and
    two bi-encoders have different cosines. With equal boosts, the collections take turns. Among equal places, the hit
    with the higher cosine plus 0.3 x "bm25_share" comes first if all collections have one bi-encoder, and otherwise the
    collection that was given first. The score is boost / rank.

    `Hit.collection` has the name of the collection. In the hits, ids, ids of documents and sources begin with this name
    and a colon, because two collections may have the same ids. A filter may name sources with and without it. The
    signal "bm25_share" is the BM25 score divided by the highest BM25 score of the query in all collections, so a
    collection without a good match gets a small share.

    Raises:
        InvalidInput: No collection, or a name twice.
    """

    def __init__(self, parts: Sequence[Part], expand: str | None = None) -> None:
        names = [part.name for part in parts]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if not parts or repeated is not None:
            raise InvalidInput(
                "there is no collection to search: name one"
                if repeated is None
                else f"two collections are named {repeated!r}: give each a name of its own, as NAME=INDEX"
            )
        self.parts = tuple(parts)
        self.expand = expand

    @property
    def bi_encoders(self) -> list[str]:
        """The different bi-encoders of the collections, in order; "" for a collection that names none."""
        names = (getattr(part.retriever, "bi_encoder", "") for part in self.parts)
        return list(dict.fromkeys(name if isinstance(name, str) else "" for name in names))

    @property
    def bi_encoder(self) -> str:
        """The bi-encoder whose cosine is the signal "dense" of every hit, or "" if there are several or none."""
        names = self.bi_encoders
        return names[0] if len(names) == 1 else ""

    @property
    def prefix_depth(self) -> int:
        """See `KeepsPrefix`: the smallest depth of all collections; 0 if one of them does not keep its prefix."""
        depths = [part.retriever.prefix_depth for part in self.parts if isinstance(part.retriever, KeepsPrefix)]
        return min(depths) if len(depths) == len(self.parts) else 0

    def with_feedback(self) -> MergedRetriever:
        """Return this retriever with the expansion RM3 in every collection, by the first hits of that collection.

        Raises:
            InvalidInput: A collection cannot do it: see `search.expansion.expanding`.
        """
        return MergedRetriever([replace(part, retriever=expanding(part.retriever, RM3)) for part in self.parts], RM3)

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits of all collections. Each collection is searched for `k`.

        Raises:
            RetrieverFailed, StoreError: A collection cannot be searched. No collection is left out silently.
        """
        pools = {part.name: retrieved(part.retriever, query, k, own_where(where, part.name)) for part in self.parts}
        notes = distinct_notes(note for pool in pools.values() for note in notes_of(pool))
        boosts = {part.name: part.boost for part in self.parts}
        return Retrieved(merged(pools, boosts, ties=bool(self.bi_encoder))[:k], notes)


def merged(pools: Mapping[str, Sequence[Hit]], boosts: Mapping[str, float], *, ties: bool) -> list[Hit]:
    """Return the hits of all pools in one order, with ranks from 1: see `MergedRetriever`.

    `ties` tells whether signals decide between equal places.
    """
    highest = max((_highest(pool) for pool in pools.values()), default=0.0)
    rows: list[tuple[float, float, int, Hit]] = []
    for place, (name, pool) in enumerate(pools.items()):
        for rank, hit in enumerate(pool, start=1):
            score = boosts[name] / rank
            signals = _shared(hit.signals, highest)
            tie = added(signals.get(DENSE, 0.0), signals.get(BM25_SHARE, 0.0)) if ties else 0.0
            own = replace(
                hit,
                passage=qualified(hit.passage, name),
                collection=name,
                score=score,
                retrieval_score=score,
                signals=signals,
            )
            rows.append((-score, -tie, place, own))
    rows.sort(key=lambda row: row[:3])
    return [replace(hit, rank=rank, retrieval_rank=rank) for rank, (_, _, _, hit) in enumerate(rows, start=1)]


def qualified(passage: Passage, name: str) -> Passage:
    """Return the passage with the name of its collection in front of its ids and its source."""
    source = passage.metadata.get("source")
    metadata = {**passage.metadata, "source": f"{name}:{source}"} if isinstance(source, str) else passage.metadata
    document = f"{name}:{passage.document_id}" if passage.document_id else ""
    return replace(passage, id=f"{name}:{passage.id}", document_id=document, metadata=metadata)


def own_where(where: Where | None, name: str) -> Where | None:
    """Return the filter for a collection: sources and ids of documents without its name in front of them."""
    if not where:
        return where
    prefix = f"{name}:"

    def own(content: Any) -> Any:
        if isinstance(content, Mapping):
            return {operator: own(values) for operator, values in content.items()}
        if isinstance(content, list | tuple):
            return [own(value) for value in content]
        return content.removeprefix(prefix) if isinstance(content, str) else content

    return {field: own(content) if field in FILE_FIELDS else content for field, content in where.items()}


def _highest(pool: Sequence[Hit]) -> float:
    """The highest BM25 score of a collection for the query, also if the hit with this score is not in the pool."""
    scores = [
        hit.signals[BM25] / hit.signals[BM25_SHARE]
        for hit in pool
        if hit.signals.get(BM25_SHARE, 0.0) > 0 and BM25 in hit.signals
    ]
    return max(scores, default=0.0)


def _shared(signals: Mapping[str, float], highest: float) -> Mapping[str, float]:
    """The signals with the share of the highest BM25 score of all collections."""
    if BM25_SHARE not in signals or BM25 not in signals or not highest:
        return signals
    return {**signals, BM25_SHARE: signals[BM25] / highest}


class FitsOfSeveral:
    """The fits of several collections together: none, because `calibrate` fits one collection."""

    def stop_rule(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[None, list[Note]]:
        """Return no rule, and a note about the reason."""
        return None, [Note("no_stop_rule", reason=SEVERAL)]

    def gate(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[None, list[Note]]:
        """Return no gate, and a note about the reason."""
        return None, [Note("no_gate", reason=SEVERAL)]

    def calibration(self, weights: Mapping[str, float], expand: str | None = None) -> tuple[object, list[Note]]:
        """Raise the error that there are no probabilities.

        Raises:
            InvalidInput: Always.
        """
        raise InvalidInput(
            "min_probability does not apply to several collections: probabilities are fitted for one. Search one "
            "collection, or use min_score",
            field="min_probability",
        )
