"""How a foreign retriever is called, and what its answer means."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from shortlist.search.foreign.rows import Direction
from shortlist.types import Where

Call: TypeAlias = Callable[[str, int, "Where | None"], Any]
"""A query, a number of passages and a filter to an answer, which may be awaitable."""


def unchanged(answer: Any) -> Any:
    """Return the answer."""
    return answer


@dataclass(frozen=True, slots=True)
class OwnLimit:
    """The number of passages that a retriever returns, if no call can change it.

    `value` returns the number, or None if it is unknown. `line` is the line of code that sets it, with "{k}" in place
    of the number.
    """

    value: Callable[[], int | None]
    line: str = ""


@dataclass(frozen=True, slots=True)
class Adapter:
    """The calls of a foreign retriever, and what their answers mean.

    `label` is the name of the function or of the class. The `calls` are tried in turn: a method that the retriever does
    not implement raises NotImplementedError. `rows` returns the rows of an answer. `no_filter` tells why the retriever
    cannot filter; it is empty if the retriever can. `scores` is the direction of its scores.
    """

    label: str
    calls: tuple[Call, ...]
    rows: Callable[[Any], Any] = unchanged
    no_filter: str = "cannot filter"
    scores: Direction = "higher"
    limit: OwnLimit | None = None


def accepts(function: Callable[..., Any], *arguments: Any, **named: Any) -> bool:
    """Return whether the function can be called with these arguments. A function without a signature accepts all."""
    try:
        inspect.signature(function).bind(*arguments, **named)
    except TypeError:
        return False
    except ValueError:  # a function written in C may have no signature
        return True
    return True


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function by name; none if it has no signature."""
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


def methods(part: Any, *names: str) -> list[Callable[..., Any]]:
    """Return the methods with these names that the object has."""
    return [method for name in names if callable(method := getattr(part, name, None))]
