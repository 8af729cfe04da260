"""Numbers with their nouns."""

from __future__ import annotations

PLURALS = {"query": "queries", "process": "processes", "judged id or snippet": "judged ids or snippets"}
"""Nouns whose plural is not the noun and an "s"."""


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: "1 source", "2 sources", "3 queries"."""
    return f"{number} {noun if number == 1 else PLURALS.get(noun, noun + 's')}"
