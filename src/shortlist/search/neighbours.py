"""The passages before and after a passage in its document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from shortlist.errors import InvalidInput
from shortlist.types import Passage

MOST = 20
"""The largest number of neighbours on each side."""

BLOCK = 8
"""The passages that a walk reads at a time."""

LONGEST_PAGE = 64
"""The passages of a page among which the last one is looked for."""

Get = Callable[[Sequence[str]], Sequence[Passage]]


def check_neighbours(count: int) -> None:
    """Check a number of neighbours on each side.

    Raises:
        InvalidInput: `count` is no whole number, or is below 0 or above 20.
    """
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST:
        raise InvalidInput(f"neighbours is {count!r}: use 0 to {MOST}", field="neighbours")


def with_neighbours(get: Get, key: str, count: int = 0) -> list[Passage]:
    """Return the passage with the id `key`, and up to `count` passages on each side, in the order of the document.

    See `Walk` for the order of passages. A passage without an order has no neighbours.

    Args:
        get: Returns the passages with these ids, without those that do not exist.
        key: The id of the passage.
        count: The number of neighbours on each side.

    Raises:
        InvalidInput: There is no such passage, or `count` is below 0 or above 20.
    """
    check_neighbours(count)
    walk = Walk(get)
    walk.read([key, *near_ids(key, count)])
    passage = walk.known(key)
    if passage is None:
        raise InvalidInput(f"there is no passage {key!r}: use the whole id of a hit of a search", field="id")
    return [*reversed(walk.neighbours(passage, -1, count)), passage, *walk.neighbours(passage, 1, count)]


def number_of(key: str) -> tuple[str, int] | None:
    """Return the document's part and the number of an id NAME#n, or None for another id."""
    name, _, number = key.rpartition("#")
    return (name, int(number)) if name and number.isascii() and number.isdigit() else None


def near_ids(key: str, count: int) -> list[str]:
    """Return the ids that the neighbours of a passage can have, without its own."""
    numbered = number_of(key)
    if numbered is None:
        return []
    name, number = numbered
    return [f"{name}#{place}" for place in range(max(0, number - count), number + count + 1) if place != number]


class Walk:
    """Reads the passages before and after others, each passage once.

    Passages of a document have the ids NAME#0, NAME#1 and so on. After the last passage of a page (metadata "page"),
    `neighbours` continues on the next page, and before the first passage on the page before.
    """

    def __init__(self, get: Get) -> None:
        self._get = get
        self._known: dict[str, Passage | None] = {}

    def read(self, ids: Sequence[str]) -> None:
        """Read these passages in one call, without those that are known."""
        missing = [key for key in dict.fromkeys(ids) if key not in self._known]
        if missing:
            self._known.update(dict.fromkeys(missing))
            self._known.update({passage.id: passage for passage in self._get(missing)})

    def known(self, key: str) -> Passage | None:
        """Return a passage that was read, or None if it does not exist."""
        return self._known.get(key)

    def neighbours(self, passage: Passage, step: int, count: int) -> list[Passage]:
        """Return up to `count` passages after (`step` 1) or before (-1) the passage, the nearest first."""
        beside: list[Passage] = []
        last: Passage | None = passage
        while last is not None and len(beside) < count:
            for other in self.document(last, step):
                if len(beside) == count:
                    break
                beside.append(other)
            else:
                last = self._on_next_page(beside[-1] if beside else passage, step)
                beside += [] if last is None else [last]
        return beside[:count]

    def document(self, passage: Passage, step: int) -> Iterator[Passage]:
        """Yield the passages after (`step` 1) or before (-1) the passage in its document, the nearest first."""
        numbered = number_of(passage.id)
        while numbered is not None:
            name, number = numbered
            ids = [f"{name}#{place}" for place in range(number + step, number + step * (BLOCK + 1), step) if place >= 0]
            if not ids:
                return
            if ids[0] not in self._known:
                self.read(ids)
            for key in ids:
                if key not in self._known:
                    break
                other = self._known[key]
                if other is None or other.document_id != passage.document_id:
                    return
                numbered = (name, number := number + step)
                yield other

    def _on_next_page(self, passage: Passage, step: int) -> Passage | None:
        """Return the first passage of the page after the passage's (`step` 1), or the last of the page before (-1)."""
        page = passage.metadata.get("page")
        if not isinstance(page, int) or not passage.document_id.endswith(f"#page={page}"):
            return None
        document = f"{passage.document_id[: -len(str(page))]}{page + step}"
        ids = [f"{document}#{place}" for place in range(1 if step > 0 else LONGEST_PAGE)]
        self.read(ids)
        known = [other for key in ids if (other := self._known[key]) is not None and other.document_id == document]
        return known[-1] if known else None
