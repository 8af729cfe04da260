"""`context_of`: hits and the passages around them, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest

from shortlist.errors import InvalidInput
from shortlist.search.context.context import Context
from shortlist.search.context.cutting import MARK, cut_to_fit
from shortlist.search.context.options import ContextOptions, ContextParts, check_context
from shortlist.search.context.selection import Selection
from shortlist.search.neighbours import Walk, near_ids
from shortlist.types import Hit, Note, Passage

LONGEST_SECTION = 100
"""The most passages of a section that are read on each side of a hit."""


def context_of(hits: Sequence[Hit], options: ContextOptions, parts: ContextParts) -> Context:
    """Return the text of the hits and of the passages around them. No hits give an empty context.

    Passages that touch become one block, and text that two of them share is written once. The budget goes to the hits
    first, in their order, and then to the passages around them, those of the best hit first and the nearest first. A
    hit that does not fit is cut where a sentence ends, and everything after it is left out. The first hit is cut where
    a line ends, or between words, if a cut between sentences would leave out more than half of what fits. Passages
    around hits are never cut. Filters and limits of the search do not apply to them.

    Args:
        hits: A ranking, or some of its hits.
        options: The passages around the hits, and the budget.
        parts: What reads passages and counts tokens.

    Raises:
        InvalidInput: See `check_context`; or the budget is too small for the source and the first word of the best hit.
    """
    check_context(options, parts)
    if isinstance(hits, Hit) or not isinstance(hits, Iterable):
        raise InvalidInput(f"a context needs the hits of a search, and {hits!r:.80} is no list of hits: give a ranking")
    hits = tuple(hits)
    for hit in hits:
        if not isinstance(hit, Hit):
            raise InvalidInput(f"a context needs the hits of a search, and {hit!r:.80} is none: give a ranking")
    if not hits:
        return Context(tokens=None if parts.count_tokens is None else 0, budget_tokens=options.budget_tokens)
    around = _around(hits, options, parts)
    limit, excess = options.budget_tokens, 1
    while excess > 0:
        context = _Filling(hits, around, limit, parts).filled(options)
        tokens = None if parts.count_tokens is None else parts.count_tokens(context.text)
        excess = 0 if tokens is None or options.budget_tokens is None else tokens - options.budget_tokens
        # The whole text may have more tokens than its parts. Then the parts get less.
        limit = None if limit is None else limit - excess
    return replace(context, tokens=tokens)


@dataclass(slots=True)
class _Around:
    """The passages around each hit, the nearest first, without hits. `sides` has a list for each side of each hit."""

    sides: list[tuple[list[Passage], list[Passage]]] = field(default_factory=list)
    folded: int = 0
    limited: int = 0

    def in_order(self) -> Iterator[tuple[tuple[int, int], Passage]]:
        """Yield each passage once, with its side: hits in their order, the nearest passage first."""
        seen: set[str] = set()
        for number, (after, before) in enumerate(self.sides):
            for pair in zip_longest(after, before):
                for side, passage in enumerate(pair):
                    if passage is not None and passage.id not in seen:
                        seen.add(passage.id)
                        yield (number, side), passage


def _around(hits: Sequence[Hit], options: ContextOptions, parts: ContextParts) -> _Around:
    around = _Around()
    if parts.get is None or not options.surroundings:
        return around
    walk = Walk(parts.get)
    walk.read([key for hit in hits for key in [hit.id, *near_ids(hit.id, options.neighbours)]])
    own = {hit.id for hit in hits}
    copies = {key for hit in hits for key in hit.duplicates} - own
    folded: set[str] = set()
    for hit in hits:
        sides: list[list[Passage]] = []
        is_limited = False
        for step in (1, -1):
            passages, limited = _on_side(walk, hit.passage, step, options)
            is_limited = is_limited or limited
            folded |= {passage.id for passage in passages} & copies
            sides.append([passage for passage in passages if passage.id not in own | copies])
        around.limited += is_limited
        around.sides.append((sides[0], sides[1]))
    around.folded = len(folded)
    return around


def _on_side(walk: Walk, passage: Passage, step: int, options: ContextOptions) -> tuple[list[Passage], bool]:
    """Return the passages on one side, the nearest first, and whether a section has more than are read."""
    if not options.section:
        return walk.neighbours(passage, step, options.neighbours), False
    section: list[Passage] = []
    for other in walk.document(passage, step):
        if other.title != passage.title:
            break
        if len(section) == LONGEST_SECTION:
            return section, True
        section.append(other)
    return section, False


class _Filling:
    """Fills one context."""

    def __init__(self, hits: Sequence[Hit], around: _Around, limit: int | None, parts: ContextParts) -> None:
        self._hits, self._around, self._limit = hits, around, limit
        self._counted = parts.count_tokens is not None
        self._selection = Selection(parts.count_tokens or (lambda text: 0), parts.shown)

    def filled(self, options: ContextOptions) -> Context:
        """Return the context."""
        selection, around = self._selection, self._around
        left_out_hits = self._add_hits(options)
        left_out = self._add_others(around.in_order(), full=bool(left_out_hits or selection.cut))
        blocks = selection.blocks({hit.id: hit.rank for hit in self._hits}, counted=self._counted)
        notes = []
        if left_out_hits or left_out or selection.cut:
            counts = {"cut": selection.cut, "hits": left_out_hits, "neighbours": left_out}
            notes.append(Note("context_cut", budget_tokens=options.budget_tokens, **counts))
        if around.limited:
            notes.append(Note("section_limited", count=around.limited, most=LONGEST_SECTION))
        if around.folded:
            notes.append(Note("context_folded", count=around.folded))
        return Context(
            blocks=blocks,
            budget_tokens=options.budget_tokens,
            cut=selection.cut,
            left_out_hits=left_out_hits,
            left_out_neighbours=left_out,
            folded=around.folded,
            notes=tuple(notes),
        )

    def _add_hits(self, options: ContextOptions) -> int:
        """Add the hits that fit, and the beginning of the next one. Return the number of the others."""
        for number, hit in enumerate(self._hits):
            if self._add(hit.passage):
                continue
            body = cut_to_fit(hit.passage.body, partial(self._fits, hit.passage), anywhere=number == 0)
            if body is None and number == 0:
                self._selection.add(hit.passage, MARK)
                raise InvalidInput(
                    f"budget_tokens is {options.budget_tokens}: too few for the best hit, whose source and heading "
                    f"path alone need {self._selection.tokens}; use a larger budget",
                    field="budget_tokens",
                )
            if body is None:
                return len(self._hits) - number
            self._selection.add(hit.passage, body)
            return len(self._hits) - number - 1
        return 0

    def _add_others(self, passages: Iterable[tuple[tuple[int, int], Passage]], *, full: bool) -> int:
        """Add the passages around the hits that fit, and return the number of the others.

        Nothing is added beyond a passage that did not fit, so that no text is missing between a hit and what follows.
        """
        ended: set[tuple[int, int]] = set()
        left_out = 0
        for side, passage in passages:
            if full or side in ended or not self._add(passage):
                ended.add(side)
                left_out += 1
        return left_out

    def _add(self, passage: Passage, body: str | None = None) -> bool:
        """Add a passage, and return whether it fits. A passage that does not fit is not added."""
        self._selection.add(passage, body)
        if self._limit is None or self._selection.tokens <= self._limit:
            return True
        self._selection.discard(passage)
        return False

    def _fits(self, passage: Passage, body: str) -> bool:
        if not self._add(passage, body):
            return False
        self._selection.discard(passage)
        return True
