"""The hits of a retriever, checked: each has an id of its own, a text, and numbers that can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

from shortlist.errors import RetrieverFailed
from shortlist.search.metadata import fields_of
from shortlist.types import Hit

NUMBERS: frozenset[type] = frozenset({float, int})
PLAIN: frozenset[type] = NUMBERS | {str, bool}
"""The types of metadata that JSON has. Other values, such as those of numpy, become one of them."""


def usable_hits(hits: Sequence[Hit], k: int, name: str) -> tuple[list[Hit], int]:
    """Return the first `k` hits with different ids, in order, and the number of those that repeat an id before them.

    Numbers of numpy become numbers of Python. `name` is the name of the retriever in errors.

    Raises:
        RetrieverFailed: A hit has no id or no text, or a score or a signal that is no finite number.
    """
    kept: dict[tuple[str, str], Hit] = {}
    count = 0
    for hit in hits:
        if len(kept) == k:
            break
        kept.setdefault((hit.collection, hit.id), _usable(hit, name))
        count += 1
    return list(kept.values()), count - len(kept)


def _usable(hit: Hit, name: str) -> Hit:
    if not hit.id or hit.id.isspace():
        raise RetrieverFailed(f"{name}: a hit has the id {hit.id!r}: give each hit an id")
    if not isinstance(hit.text, str) or not hit.text or hit.text.isspace():
        raise RetrieverFailed(f"{name}: passage {hit.id!r} has no text")
    scores = {"score": hit.score, "retrieval_score": hit.retrieval_score}
    changed: dict[str, Any] = _numbers(scores, hit, name)
    if signals := _numbers(hit.signals, hit, name):
        changed["signals"] = {**hit.signals, **signals}
    if not {type(value) for value in hit.passage.metadata.values()} <= PLAIN:
        changed["passage"] = replace(hit.passage, metadata=fields_of(hit.passage.metadata))
    return replace(hit, **changed) if changed else hit


def _numbers(values: Mapping[str, Any], hit: Hit, name: str) -> dict[str, float]:
    """Return the values that are numbers of another type than Python's, as float."""
    others = {}
    for key, value in values.items():
        if not isinstance(value, Real) or not math.isfinite(value):
            what = "score" if key in ("score", "retrieval_score") else f"signal {key}"
            raise RetrieverFailed(f"{name}: the {what} of passage {hit.id!r} is {value!r:.80}, not a finite number")
        if type(value) not in NUMBERS:
            others[key] = float(value)
    return others
