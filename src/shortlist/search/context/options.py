"""What a context contains besides the hits, and the parts that it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shortlist.config.limits import check_largest
from shortlist.errors import InvalidInput
from shortlist.search.neighbours import Get, check_neighbours
from shortlist.types import Passage


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """The size of a context.

    Args:
        neighbours: The passages before and after each hit, on each side, 0 to 20.
        section: The whole section of each hit: the passages around it with the same heading path.
        budget_tokens: The most tokens of the text, at most `config.limits.LARGEST`. None: no limit.

    Raises:
        InvalidInput: A value that cannot be used, or both `neighbours` and `section`.
    """

    neighbours: int = 0
    section: bool = False
    budget_tokens: int | None = None

    def __post_init__(self) -> None:
        check_neighbours(self.neighbours)
        budget = self.budget_tokens
        if budget is not None and (not isinstance(budget, int) or isinstance(budget, bool) or budget < 1):
            raise InvalidInput(
                f"budget_tokens must be a whole number of at least 1, not {budget!r}", field="budget_tokens"
            )
        check_largest("budget_tokens", budget)
        if not isinstance(self.section, bool):
            raise InvalidInput(f"section must be true or false, not {self.section!r}", field="section")
        if self.section and self.neighbours:
            raise InvalidInput(
                f"section asks for whole sections, and neighbours is {self.neighbours}: give one of the two",
                field="section",
            )

    @property
    def surroundings(self) -> bool:
        """Whether the context has passages around the hits."""
        return self.section or self.neighbours > 0


@dataclass(frozen=True, slots=True)
class ContextParts:
    """What a context needs of the search that found the hits.

    Args:
        name: The name of the index or the retriever, for messages.
        get: Returns the passages with these ids, without those that do not exist. None: the passages around a hit are
            unknown.
        count_tokens: Returns the number of tokens of a text, without special tokens. None: tokens are not counted.
        shown: Returns a passage with the names that an answer may show.
    """

    name: str
    get: Get | None = None
    count_tokens: Callable[[str], int] | None = None
    shown: Callable[[Passage], Passage] = lambda passage: passage


def check_context(options: ContextOptions, parts: ContextParts) -> None:
    """Check that a context with these options is possible, before the search.

    Raises:
        InvalidInput: Passages around the hits are wanted and unknown, or a budget is given and no tokens are counted.
    """
    if options.surroundings and parts.get is None:
        field = "section" if options.section else "neighbours"
        raise InvalidInput(
            f"{parts.name} does not know which passages are around a hit: leave out {field}, or add the documents to "
            "an index",
            field=field,
        )
    if options.budget_tokens is not None and parts.count_tokens is None:
        raise InvalidInput(
            f"{parts.name} cannot count tokens: leave out budget_tokens, or search with a reranker that has a method "
            "count_tokens(text)",
            field="budget_tokens",
        )
