"""The scored passages of an index or a store as hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from shortlist.protocols import ReportsCosines, Searched
from shortlist.search.pool import Retrieved
from shortlist.types import Hit, Note, Passage

Scored: TypeAlias = Sequence[tuple[Passage, float]]
"""Passages with their scores, best first."""


def hits_of(
    scored: Scored, signals: Sequence[Mapping[str, float]], bi_encoder: str = "", notes: Sequence[Note] = ()
) -> Retrieved:
    """Return the passages as hits in the order given, with ranks from 1. `bi_encoder` gave the signal "dense"."""
    hits = (
        Hit(passage, score, rank, score, rank, signals=own_signals, bi_encoder=bi_encoder)
        for rank, ((passage, score), own_signals) in enumerate(zip(scored, signals, strict=True), start=1)
    )
    return Retrieved(hits, notes)


def gives_cosines(index: Searched) -> bool:
    """Return whether the vector scores are cosines. Other scores are no signal: fitted weights expect cosines."""
    return index.gives_cosines if isinstance(index, ReportsCosines) else True
