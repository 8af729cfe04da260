"""Hints for names that are not known."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return " (did you mean 'pool_size'?)" with the most similar known name, or an empty text if none is similar."""
    return "".join(f" (did you mean {close!r}?)" for close in get_close_matches(name, known, 1))
