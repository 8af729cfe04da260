"""Metadata of other systems as fields of a passage."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

from shortlist.types import Field, Value

PLAIN = (str, int, bool)
"""The types of the values that stay as they are. Most values have one of these, and the other checks are slow."""


def fields_of(record: Mapping[Any, Any]) -> dict[str, Field]:
    """Return the record as metadata of a passage.

    Nested records get names with dots, such as "author.name". Dates become text. Binary values and fields without a
    value are left out.
    """
    return dict(_flat(record))


def _flat(record: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Field]]:
    for name, value in record.items():
        if type(value) in PLAIN:
            yield f"{prefix}{name}", value
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple | set):
            values = [plain for plain in map(_plain, value) if plain is not None]
            if values:
                yield f"{prefix}{name}", values
        elif (plain := _plain(value)) is not None:
            yield f"{prefix}{name}", plain


def _plain(value: Any) -> Value | None:
    """Return a value as one of ours; None for no value, NaN and binary values."""
    if hasattr(value, "dtype") and not getattr(value, "shape", True):  # a number or a bool of numpy
        value = value.item()
    if value is None or isinstance(value, bytes | bytearray | memoryview):
        return None
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
