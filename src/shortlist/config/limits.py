"""The largest numbers of settings. Every surface checks them here."""

from __future__ import annotations

from numbers import Integral

from shortlist.errors import InvalidInput
from shortlist.reprs import short_number

LARGEST = 10_000_000
"""The largest length of an answer, size of a pool, and budget of tokens."""

LARGEST_BLEND = 1_000_000
LARGEST_WEIGHT = 1_000_000_000_000
"""The largest blend and weight. Larger ones hide the score of the reranker, and make scores too long to read."""


def check_largest(name: str, value: object) -> None:
    """Check that a count is at most `LARGEST`. Values that are no whole numbers are not checked.

    Raises:
        InvalidInput: The count is larger. `field` is `name`.
    """
    if isinstance(value, Integral) and int(value) > LARGEST:
        raise InvalidInput(f"{name} is {short_number(int(value))}: use at most {LARGEST:,}", field=name)
