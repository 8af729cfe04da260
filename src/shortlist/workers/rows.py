"""The rows of a unit: a row that fails has a reason, and does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from shortlist.errors import (
    BadScores,
    HostedRefused,
    HostedUnavailable,
    HubUnreachable,
    MissingExtra,
    ModelNotFound,
    ShortlistError,
)

Item = TypeVar("Item")
Value = TypeVar("Value")

STOPS = (HostedUnavailable, HubUnreachable, MissingExtra, ModelNotFound)
"""Errors that every other row would have, too. They end the run."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The reason for which a row has no value."""

    reason: str


def row_by_row(items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Value]]) -> list[Value | Failed]:
    """Return the value of each item, or `Failed` for an item for which `work` raises an error.

    All items are worked on together. If this raises an error, both halves are tried, and so on. No items give an empty
    list.

    Raises:
        ShortlistError: An error of `STOPS`, or a hosted model refuses both the first and the last item by themselves.
    """
    if not items:
        return []
    try:
        return list(work(items))
    except STOPS:
        raise
    except Exception as error:  # noqa: BLE001 - a model of the user's own may raise anything
        if len(items) == 1:
            return [Failed(reason_of(error))]
        if isinstance(error, HostedRefused):
            _check_not_all_refused(items, work)
    middle = len(items) // 2
    return row_by_row(items[:middle], work) + row_by_row(items[middle:], work)


def reason_of(error: Exception) -> str:
    """Return the error as one line. An error that is not the package's own has its class, too."""
    text = " ".join(str(error).split())
    return text if isinstance(error, ShortlistError) else f"{type(error).__name__}: {text}"


def _check_not_all_refused(items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Value]]) -> None:
    """Raise HostedRefused if the service refuses the first and the last item: a wrong key fails for all rows."""
    try:
        work(items[:1])
        return
    except BadScores:
        return
    except HostedRefused:
        work(items[-1:])
