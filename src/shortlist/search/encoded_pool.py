"""Cosines for a pool whose retriever gives none: a bi-encoder encodes the query and the texts of the pool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from shortlist.errors import InvalidInput
from shortlist.protocols import CountsTokens, Encoder, KeepsPrefix, Retriever
from shortlist.reprs import short_repr
from shortlist.search.pool import Retrieved, distinct_notes, name_of, notes_of, retrieved
from shortlist.search.retriever import as_retriever
from shortlist.types import DENSE, Hit, Note, Passage, Where


def checked_encoder(encoder: Any) -> Encoder:
    """Return the bi-encoder.

    Raises:
        InvalidInput: It has no `encode_passages`.
    """
    if not callable(getattr(encoder, "encode_passages", None)):
        raise InvalidInput(
            f"the pool encoder is {encoder!r:.80}: give a bi-encoder, such as shortlist.load_encoder()",
            field="pool_encoder",
        )
    return cast("Encoder", encoder)


def encoded(query: str, hits: Sequence[Hit], encoder: Encoder) -> list[Hit]:
    """Return the hits, in their order, with the cosine of the query and each text as the signal "dense".

    The cosine replaces a "dense" of the retriever. Other signals stay, and no score changes.
    """
    if not hits:
        return []
    cosines = encoder.encode_passages(_texts(hits)) @ encoder.encode_queries([query])[0]
    return [
        replace(hit, signals={**hit.signals, DENSE: float(cosine)}, bi_encoder=encoder.name)
        for hit, cosine in zip(hits, cosines, strict=True)
    ]


def with_cosines(query: str, hits: Sequence[Hit], encoder: Encoder) -> Retrieved:
    """As `encoded`, with the notes of the hits. If the encoder cuts texts to its window, a note counts them."""
    notes = distinct_notes([*notes_of(hits), *_notes(_texts(hits), encoder)])
    return Retrieved(encoded(query, hits, encoder), notes)


def _texts(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.content for hit in hits]


def cut_texts(texts: Sequence[str], encoder: Encoder) -> list[bool]:
    """Return which texts the encoder cuts to its window. False for each text if the encoder counts no tokens."""
    if not texts or not isinstance(encoder, CountsTokens):
        return [False] * len(texts)
    return encoder.token_counts(texts)[1]


def _notes(texts: Sequence[str], encoder: Encoder) -> list[Note]:
    count = sum(cut_texts(texts, encoder))
    window = encoder.window if isinstance(encoder, CountsTokens) else None
    return [Note("pool_texts_cut", count=count, bi_encoder=encoder.name, window=window)] if count else []


class EncodedPool:
    """A retriever whose hits have the cosine of a bi-encoder as the signal "dense": see `with_cosines`.

    With it, weights that were fitted for the bi-encoder and a reranker apply to any retriever. Order and scores of the
    retriever stay. Each answer costs one pass of the bi-encoder over its texts.
    """

    def __init__(self, retriever: Any, encoder: Encoder) -> None:
        """See the class. `retriever` is anything that `search.retriever.as_retriever` takes, such as a function.

        Raises:
            InvalidInput: `retriever` is nothing that retrieves, or `encoder` is no bi-encoder.
        """
        self._retriever: Retriever = as_retriever(retriever)
        self._encoder = checked_encoder(encoder)

    def __repr__(self) -> str:
        return short_repr(self, self.name, {"bi_encoder": self.bi_encoder})

    @property
    def name(self) -> str:
        """The name of the inner retriever."""
        return name_of(self._retriever)

    @property
    def bi_encoder(self) -> str:
        """The name of the bi-encoder."""
        return self._encoder.name

    @property
    def index(self) -> object:
        """The index or the store that the inner retriever searches, or None."""
        return getattr(self._retriever, "index", None)

    @property
    def prefix_depth(self) -> int:
        """See `protocols.KeepsPrefix`; 0 if the inner retriever promises no prefix."""
        return self._retriever.prefix_depth if isinstance(self._retriever, KeepsPrefix) else 0

    def passages(self) -> Iterable[Passage] | None:
        """Return every passage of the inner retriever, or None if it cannot list its passages."""
        listing = getattr(self._retriever, "passages", None)
        return listing() if callable(listing) else None

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits of the inner retriever, with their cosines. Raises as the inner retriever."""
        return with_cosines(query, retrieved(self._retriever, query, k, where), self._encoder)
