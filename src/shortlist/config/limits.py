"""The largest number that a setting may count. Every surface checks it here."""

from __future__ import annotations

from numbers import Integral

from shortlist.errors import InvalidInput

LARGEST = 10_000_000
"""The largest length of an answer, size of a pool, and budget of tokens."""


def check_largest(name: str, value: object) -> None:
    """Check that a count is at most `LARGEST`. Values that are no whole numbers are not checked.

    Raises:
        InvalidInput: The count is larger. `field` is `name`.
    """
    if isinstance(value, Integral) and int(value) > LARGEST:
        raise InvalidInput(f"{name} is {value}: use at most {LARGEST:,}", field=name)
