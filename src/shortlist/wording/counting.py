"""Numbers with their nouns, and small numbers without an exponent."""

from __future__ import annotations

from decimal import Decimal

PLURALS = {"query": "queries", "process": "processes", "judged id or snippet": "judged ids or snippets"}
"""Nouns whose plural is not the noun and an "s"."""


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: "1 source", "2 sources", "3 queries"."""
    return f"{number} {noun if number == 1 else PLURALS.get(noun, noun + 's')}"


def plain(number: float) -> str:
    """Return a number of 0 or more as a decimal without an exponent, such as "0.000011" or "12.50".

    Below 1, the decimal has at most 4 digits after its zeros, and otherwise 2 after the point.
    """
    return f"{number:.2f}" if number >= 1 else format(Decimal(f"{number:.4g}"), "f")
