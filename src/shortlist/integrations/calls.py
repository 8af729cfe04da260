"""A search and a reranker that several threads of a framework call at the same time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from shortlist import registry
from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.opening import open_by_name
from shortlist.protocols import Reranker
from shortlist.search.opened import Opened
from shortlist.search.ranked import Ranked
from shortlist.search.rerank import rank
from shortlist.search.scores import checked_reranker, info_of
from shortlist.search.search import Search
from shortlist.search.searches import Searches
from shortlist.types import Filter, PoolSize, Ranking
from shortlist.wording import describe

LOG = logging.getLogger(__name__)


class Shared:
    """A model or a search that copies share. A framework may copy its components, and the models are large.

    With a name, it can be pickled: another process opens or loads the name again.
    """

    given: Any

    def __deepcopy__(self, memo: dict[int, Any]) -> Shared:
        return self

    def __reduce__(self) -> tuple[type[Shared], tuple[Any, ...]]:
        if not isinstance(self.given, str):
            raise InvalidInput(f"{self.given!r:.80} is open or loaded, so it cannot be pickled: give its name")
        return type(self), self._arguments()

    def _arguments(self) -> tuple[Any, ...]:
        return (self.given,)


class SharedSearch(Shared):
    """What a retriever of a framework searches. As many threads search at a time as the reranker allows.

    Args:
        search: An open index, an open retriever, or a `Search`. Or a name for `shortlist.open`, which the first search
            opens.
        config: The settings of a search by name. None: the default settings.

    Raises:
        InvalidInput: `search` is something else.
    """

    def __init__(self, search: Any, config: SearchConfig | None = None) -> None:
        if not isinstance(search, str | Searches):
            raise InvalidInput(
                f"search is {search!r:.80}: give an open index, a Search, or a name for shortlist.open", field="search"
            )
        self.given = search
        self._config = config
        self._lock = threading.Lock()
        self._opened: Opened | None = None
        self._turns: threading.Semaphore | None = None

    def search(
        self, query: str, *, top_k: int | None = None, pool_size: PoolSize | None = None, where: Filter | None = None
    ) -> Ranking:
        """Return the answer of the search. Its notes are logged. Raises as `Searches.search`."""
        searcher, turns = self._ready()
        with turns:
            ranking = searcher.search(query, top_k=top_k, pool_size=pool_size, where=where)
        for note in ranking.notes:
            LOG.info("%s", describe(note))
        return ranking

    def _arguments(self) -> tuple[Any, ...]:
        return self.given, self._config

    def load(self) -> None:
        """Open the search and load its models, if this was not done before. Raises as `shortlist.open`."""
        self._ready()

    def close(self) -> None:
        """Close a search that was opened by its name. The next search opens it again."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _ready(self) -> tuple[Search, threading.Semaphore]:
        """The search with its models, which the first call loads."""
        with self._lock:
            if isinstance(self.given, str) and self._opened is None:
                self._opened = open_by_name(self.given, config=self._config)
            search = self._opened or self.given
            assert isinstance(search, Searches)
            searcher = search.searcher
            if self._turns is None:
                self._turns = _turns(searcher.reranker)
            return searcher, self._turns


class SharedReranker(Shared):
    """A reranker, or the name of one, which is loaded when it is first used.

    Raises:
        InvalidInput: `reranker` is neither.
    """

    def __init__(self, reranker: Any) -> None:
        self.given = reranker if isinstance(reranker, str) else checked_reranker(reranker)
        self._lock = threading.Lock()

    def load(self) -> None:
        """Load the reranker, if this was not done before. Raises as `load_reranker`."""
        with self._lock:
            _ = self._loaded

    def rank(self, query: str, documents: Iterable[Any], *, top_k: int | None = None) -> list[Ranked]:
        """Return the documents, best first, at most `top_k`. Raises as `shortlist.rerank`."""
        self.load()
        reranker, turns = self._loaded
        with turns:
            return rank(query, documents, reranker, top_k=top_k)

    @cached_property
    def _loaded(self) -> tuple[Reranker, threading.Semaphore]:
        reranker = registry.load_reranker(self.given) if isinstance(self.given, str) else self.given
        return reranker, _turns(reranker)


def _turns(reranker: Reranker | None) -> threading.Semaphore:
    return threading.Semaphore(1 if reranker is None else max(1, info_of(reranker).max_concurrent))
