"""Which collections a request may search: those of the server, of its API key, and those that it names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from shortlist.search.search import Search
from shortlist.server.problems import Kind, Problem

ACCESS: ContextVar[frozenset[str] | None] = ContextVar("shortlist_access", default=None)
"""The collections of the API key of the current request. None: all of them."""


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """What `/collections` shows of a collection. `passages` is None if the number is unknown."""

    name: str
    passages: Callable[[], int | None]
    bi_encoder: str


@dataclass(frozen=True, slots=True)
class Collections:
    """The collections of a server, in order. `within` returns the search over some of them.

    `several` is True if ids begin with the name of a collection.
    """

    within: Callable[[tuple[str, ...]], Search]
    facts: tuple[CollectionFacts, ...] = ()
    several: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the collections."""
        return tuple(facts.name for facts in self.facts)

    def visible(self) -> tuple[str, ...]:
        """Return the names of the collections that the key of the current request may search."""
        allowed = ACCESS.get()
        return self.names if allowed is None else tuple(name for name in self.names if name in allowed)

    def chosen(self, requested: Sequence[str] | None) -> tuple[str, ...]:
        """Return the collections to search: the requested ones, or all that the key may search.

        Raises:
            Problem: The key may not search a requested collection, or none of the server's. Its message names no
                collection, and is the same for a collection that does not exist. For a key without limits: an unknown
                collection. For every key: no collection, or one twice.
        """
        visible, limited = self.visible(), ACCESS.get() is not None
        if requested is None:
            if limited and not visible:
                raise Problem(Kind.FORBIDDEN, "this API key has no access to a collection of this server")
            return visible
        if not requested or len(set(requested)) != len(requested):
            raise Problem(Kind.INVALID, "collections must name at least one collection, each once", field="collections")
        unknown = next((name for name in requested if name not in visible), None)
        if unknown is None:
            return tuple(requested)
        if limited:
            message = "this API key has no access to one of the requested collections"
            raise Problem(Kind.FORBIDDEN, message, field="collections")
        known = f"the collections are {', '.join(visible)}" if visible else "this server has no named collection"
        raise Problem(Kind.INVALID, f"there is no collection {unknown!r}: {known}", field="collections")

    def sees(self, passage_id: str) -> bool:
        """Return whether the key may read the passage with this id, as far as its id names a collection."""
        if not self.several:
            return ACCESS.get() is None or bool(self.visible())
        return passage_id.partition(":")[0] in self.visible()
