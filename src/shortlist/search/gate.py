"""The gate: skip stage two if signals of stage one show that it is sure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.protocols import Fits
from shortlist.search.stopping import Guarantee
from shortlist.types import BM25_SHARE, DENSE, Hit, Note

DEPTH = 10
"""The hits of stage one that the gate reads."""
SIGNALS = ("cosine_margin", "agreed_margin", "words_margin")
"""The signals of the gate: see `certainty`. A fit uses one of them."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that skips stage two. If `signal` of a query is at least `threshold`, stage one is sure enough.

    With a threshold of None, the gate never skips. The guarantee is for pools of `pool_size` passages.
    """

    signal: str
    threshold: float | None
    pool_size: int
    guarantee: Guarantee | None = None

    def __post_init__(self) -> None:
        if self.signal not in SIGNALS:
            raise InvalidInput(f"the signal of a gate must be one of {', '.join(SIGNALS)}, not {self.signal!r}")

    def skips(self, hits: Sequence[Hit]) -> bool:
        """Return whether to skip stage two for the first hits of stage one."""
        return self.threshold is not None and bool(hits) and certainty(self.signal, hits) >= self.threshold

    def note(self, hits: Sequence[Hit]) -> Note:
        """Return the note that explains why stage two ran or not. Call it with the hits of `skips`."""
        if self.threshold is None:
            return Note("gate_never_skips")
        value = certainty(self.signal, hits) if hits else -math.inf
        shown = value if math.isfinite(value) else None
        facts = {"signal": self.signal, "value": shown, "threshold": self.threshold}
        return Note("gate_skipped", **facts) if self.skips(hits) else Note("gate_open", **facts)


def stored_gate(
    fits: Fits | None, config: SearchConfig, weights: Mapping[str, float]
) -> tuple[Gate | None, list[Note]]:
    """Return the stored gate of searches under this configuration, None without one, and notes about it.

    `fits` is None if the search stores no fits.

    Raises:
        NotFitted: The stored gate was fitted for something else, or its file is damaged.
    """
    if not config.gate:
        return None, []
    if fits is None:
        return None, [Note("no_gate", reason="not_fitted")]
    stored, notes = fits.gate(weights, config.expand)
    return cast("Gate | None", stored), notes


def opened_gate(
    gate: Gate, hits: Sequence[Hit], pool_size: int, notes: Sequence[Note]
) -> tuple[Note | None, list[Note]]:
    """Return the note that stage two is skipped, or None, and the notes about the gate.

    If the pool has another size than that of the fit, a note reports this: the guarantee is for that size.
    """
    own, others = gate.note(hits), []
    if gate.threshold is not None and gate.pool_size != pool_size:
        others.append(Note("gate_other_pool", pool=pool_size, fitted_on=gate.pool_size))
    return (own, [*notes, *others]) if gate.skips(hits) else (None, [*notes, own, *others])


def certainty(signal: str, hits: Sequence[Hit]) -> float:
    """Return how sure stage one is of its first hits, by one signal. Higher is surer.

    Only the first 10 hits count, so the pool size does not change the result if stage one keeps its prefix.

    - "cosine_margin": the highest cosine minus the second highest
    - "agreed_margin": this margin, or minus infinity if another hit has the highest BM25 score
    - "words_margin": the highest share of BM25 minus the second highest, under the same condition

    A hit without a signal counts as 0. With fewer than two hits, or without the signals, the result is minus infinity.

    Source: query performance prediction from the scores of the first hits, such as Shtok et al., "Predicting Query
    Performance by Query-Drift Estimation", TOIS 2012; the margin is the simplest of these predictors.
    """
    first = hits[:DEPTH]
    cosines = [hit.signals.get(DENSE, 0.0) for hit in first]
    words = [hit.signals.get(BM25_SHARE, 0.0) for hit in first]
    needs_words = signal != "cosine_margin"
    if len(first) < 2 or not any(cosines) or (needs_words and not any(words)):
        return -math.inf
    if needs_words and cosines.index(max(cosines)) != words.index(max(words)):
        return -math.inf
    highest, second = sorted(words if signal == "words_margin" else cosines, reverse=True)[:2]
    return highest - second
