"""The calls and tokens of a reranker that costs tokens."""

from __future__ import annotations

from shortlist.cli.console import remark
from shortlist.protocols import ReportsUsage, Reranker
from shortlist.wording import describe


def usage(reranker: Reranker | None, name: str = "") -> None:
    """Print what all calls of the reranker in this process used. Other rerankers print nothing.

    `name` is that of the set-up, for commands with several.
    """
    if isinstance(reranker, ReportsUsage):
        for note in reranker.usage_notes():
            remark(f"{name}: {describe(note)}" if name else describe(note))
