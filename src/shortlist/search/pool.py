"""The pool of a search, and the hits below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shortlist.config import SearchConfig
from shortlist.config.search_config import POOL_SIZE
from shortlist.errors import RetrieverFailed
from shortlist.protocols import KeepsPrefix, ReportsExactness, Retriever
from shortlist.search.failures import failures
from shortlist.search.usable_hits import usable_hits
from shortlist.types import Hit, Note, Passage, Where


class Retrieved(list[Hit]):
    """The hits of stage one, best first. `notes` are facts about them, which the answer shows.

    A retriever may return a plain list instead, which has no notes.
    """

    def __init__(self, hits: Iterable[Hit] = (), notes: Iterable[Note] = ()) -> None:
        super().__init__(hits)
        self.notes: tuple[Note, ...] = tuple(notes)


def known_pool_size(config: SearchConfig) -> int:
    """Return the pool size of a search, or the default one if it is "auto"."""
    size, _ = config.sizes
    return size if isinstance(size, int) else POOL_SIZE


def distinct_notes(notes: Iterable[Note]) -> list[Note]:
    """Return the notes without repetitions, in order."""
    kept: list[Note] = []
    for note in notes:
        if note not in kept:
            kept.append(note)
    return kept


def retrieved(retriever: Retriever, query: str, k: int, where: Where | None = None) -> Sequence[Hit]:
    """Return at most `k` hits of the retriever, numbered in their order.

    Of several hits with one id, the first is used, and a note counts the others.

    Raises:
        RetrieverFailed: The retriever raised an error that is not one of shortlist's, or returned something other than
            a list of hits, or a hit without a text or with a score that is no finite number.
    """
    with failures(name_of(retriever)):
        hits = retriever.retrieve(query, k, where)
    if not isinstance(hits, Sequence) or not all(isinstance(hit, Hit) for hit in hits):
        name = type(retriever).__name__
        raise RetrieverFailed(f"{name}.retrieve returned {hits!r:.80}: return a list of hits, such as Hit.of(id, text)")
    kept, repeated = usable_hits(hits, k, name_of(retriever))
    numbers = enumerate(kept, start=1)
    if len(kept) == len(hits) and all(
        usable is hit and hit.rank == hit.retrieval_rank == rank
        for (rank, usable), hit in zip(numbers, hits, strict=True)
    ):
        return hits
    notes = [Note("repeated_rows", count=repeated)] if repeated else []
    return Retrieved(numbered(kept), [*notes_of(hits), *notes])


class Matches(list[tuple[Passage, float]]):
    """Passages with their scores, best first. `notes` are facts about them, which the answer shows.

    `cosines` are what `similarities` would return for passages found by words, if the store has sent them: id ->
    cosine. An index may return a plain list instead, which has neither.
    """

    def __init__(
        self,
        scored: Iterable[tuple[Passage, float]] = (),
        notes: Iterable[Note] = (),
        cosines: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(scored)
        self.notes: tuple[Note, ...] = tuple(notes)
        self.cosines: Mapping[str, float] = cosines or {}


def is_approximate(retriever: object) -> bool:
    """Return whether the retriever searches a store that may miss passages, so that its prefix is not kept."""
    index = getattr(retriever, "index", None)
    return isinstance(index, ReportsExactness) and not index.exact


def name_of(retriever: object) -> str:
    """Return the name of the retriever, or the name of its class if it has none."""
    name = getattr(retriever, "name", None)
    return name if isinstance(name, str) else type(retriever).__name__


def pool_and_tail(
    retriever: Retriever, query: str, size: int, top_k: int, where: Where | None = None
) -> tuple[Sequence[Hit], Sequence[Hit]]:
    """Return the pool as the retriever answers `size`, and the hits below it down to `top_k`.

    The pool depends on `size` alone, never on `top_k`. If the pool is the start of the retriever's longer answer, or if
    nothing follows the pool, the function calls the retriever once. The notes of the longest answer are at the pool.
    """
    if top_k <= size:
        return retrieved(retriever, query, size, where), []
    if isinstance(retriever, KeepsPrefix) and top_k <= retriever.prefix_depth:
        hits = retrieved(retriever, query, top_k, where)
        return Retrieved(hits[:size], notes_of(hits)), hits[size:]
    pool = retrieved(retriever, query, size, where)
    if len(pool) < size:
        return pool, []
    in_pool = {hit.passage.id for hit in pool}
    longer = retrieved(retriever, query, top_k, where)
    below = [hit for hit in longer if hit.passage.id not in in_pool][: top_k - size]
    return Retrieved(pool, notes_of(longer) or notes_of(pool)), numbered(below, size + 1)


def notes_of(hits: Sequence[Hit] | Sequence[tuple[Passage, float]]) -> tuple[Note, ...]:
    """Return the notes of a retriever about its hits, or of an index about its passages; none for a plain list."""
    return hits.notes if isinstance(hits, Retrieved | Matches) else ()


def cosines_of(scored: Sequence[tuple[Passage, float]]) -> Mapping[str, float]:
    """Return the cosines that a store has sent with passages found by words; none for a plain list."""
    return scored.cosines if isinstance(scored, Matches) else {}


def numbered(hits: Sequence[Hit], first: int = 1) -> list[Hit]:
    """Return the hits with `rank` and `retrieval_rank` counted from `first`."""
    return [replace(hit, rank=rank, retrieval_rank=rank) for rank, hit in enumerate(hits, start=first)]
