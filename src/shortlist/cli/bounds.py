"""Bounds of numbers that are options of one command. The bounds of settings are those of `SearchConfig`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from shortlist.errors import InvalidInput


def bounded(flag: str, least: float | None, most: float | None) -> Callable[[Any], Any] | None:
    """Return a function that returns its value, and raises InvalidInput if the value is not from `least` to `most`.

    Without `least`, there is nothing to check, and the result is None.
    """
    if least is None:
        return None

    def check(value: Any) -> Any:
        if value is not None and not least <= value <= (math.inf if most is None else most):
            raise InvalidInput(f"{flag} is {value}: use {least} {'or more' if most is None else f'to {most}'}")
        return value

    return check
