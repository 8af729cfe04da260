"""A passage with the passages before and after it in its document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shortlist.errors import InvalidInput
from shortlist.types import Passage

MOST = 20
"""The largest number of neighbours on each side."""


def with_neighbours(get: Callable[[Sequence[str]], Sequence[Passage]], key: str, count: int = 0) -> list[Passage]:
    """Return the passage with the id `key`, and up to `count` passages on each side, in the order of the document.

    Passages of a document have the ids NAME#0, NAME#1 and so on. A passage with another id has no neighbours.

    Args:
        get: Returns the passages with these ids, without those that do not exist.
        key: The id of the passage.
        count: The number of neighbours on each side.

    Raises:
        InvalidInput: There is no such passage, or `count` is below 0 or above 20.
    """
    if not 0 <= count <= MOST:
        raise InvalidInput(f"neighbours is {count}: use 0 to {MOST}", field="neighbours")
    name, _, number = key.rpartition("#")
    is_numbered = bool(name) and number.isascii() and number.isdigit()
    numbers = range(max(0, int(number) - count), int(number) + count + 1) if is_numbered and count else ()
    ids = [f"{name}#{place}" for place in numbers] or [key]
    passages = {passage.id: passage for passage in get(ids)}
    if key not in passages:
        raise InvalidInput(f"there is no passage {key!r}: a search shows the ids of passages", field="id")
    document = passages[key].document_id
    return [passages[place] for place in ids if place in passages and passages[place].document_id == document]
