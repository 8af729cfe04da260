"""The sizes of the requests that write passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shortlist.types import Passage

NUMBERS = 200_000
"""The numbers of vectors in one request: about 4 MB. A server accepts 32 MB."""
CHARACTERS = 2_000_000
"""The characters of texts in one request."""


def parts(passages: Sequence[Passage], dimension: int) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each request. Each has at least one passage."""
    start, characters = 0, 0
    for place, item in enumerate(passages):
        size = len(item.content)
        if place > start and ((place - start + 1) * dimension > NUMBERS or characters + size > CHARACTERS):
            yield start, place
            start, characters = place, 0
        characters += size
    yield start, len(passages)
