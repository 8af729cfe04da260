"""Texts without headings and tables to pieces that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

_LONGEST_BLOCK = 32_000


def chunks(text: str, room: int, cost: Callable[[str], int], markdown: bool = False) -> Iterator[tuple[int, str]]:
    """Yield pieces of at most `room`, with their character offsets."""
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    splitter = (MarkdownSplitter if markdown else TextSplitter).from_callback(cost, room)
    for start, end in _blocks(text):
        for offset, piece in splitter.chunk_indices(text[start:end]):
            yield start + offset, piece


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield parts to split separately: the time to split grows with the square of a text without sentences."""
    start = 0
    while len(text) - start > _LONGEST_BLOCK:
        least, most = start + _LONGEST_BLOCK // 2, start + _LONGEST_BLOCK
        breaks = (text.rfind(mark, least, most) for mark in ("\n\n", "\n", " "))
        end = next((place for place in breaks if place > 0), most)
        yield start, end
        start = end
    yield start, len(text)
