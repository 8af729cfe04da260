"""Anything that retrieves as stage one: a function, a retriever of a framework, or an object with `retrieve`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, cast

from shortlist.errors import InvalidInput, RetrieverFailed
from shortlist.protocols import Retriever
from shortlist.reprs import short_repr
from shortlist.search.failures import failures
from shortlist.search.foreign import frameworks, haystack
from shortlist.search.foreign.adapter import Adapter, Call, accepts, methods, parameters
from shortlist.search.foreign.background import Background
from shortlist.search.foreign.rows import Direction, RowReader
from shortlist.search.pool import Retrieved, numbered
from shortlist.text.validation import checked_text, item_name
from shortlist.types import Hit, Note, Where


def checked_query(query: str, k: int) -> str:
    """Return the query as `checked_text` does.

    Raises:
        InvalidInput: The query is empty or not a string, or k is below 1.
    """
    if k < 1:
        raise InvalidInput(f"k must be at least 1, not {k}")
    return checked_text(query)


def as_retriever(part: Any, name: str | None = None) -> Retriever:
    """Return anything that retrieves as a retriever.

    `part` is one of these, told by its methods and their signatures:

    - an object with `protocols.Retriever.retrieve`, which is returned unchanged
    - a function `(query, k)` that returns rows, see `RowsRetriever`; the function may be async, or a generator
    - a LangChain retriever or vector store, a LlamaIndex retriever, a Haystack retriever component or pipeline, or a
      DSPy retriever

    Args:
        part: The retriever.
        name: Its name in errors. None: the name of its function or class.

    Raises:
        InvalidInput: The part is none of these.
    """
    label = name or f"the retriever {_label(part)}"
    adapter = None if isinstance(part, type) else _adapter(part, label)
    if adapter is not None:
        return RowsRetriever(adapter, label) if adapter.limit is None else CutRetriever(adapter, label)
    if not isinstance(part, type) and methods(part, "retrieve"):
        return cast("Retriever", part)
    if isinstance(part, str):
        raise InvalidInput(
            f"{name or 'the retriever'} is the text {part!r:.80}: shortlist.open(NAME) opens a store or an index by "
            "its name, and shortlist.load_retriever(NAME) returns stage one over a store"
        )
    raise InvalidInput(
        f"{name or 'the retriever'} is {part!r:.80}: a retriever is an object with a method retrieve(query, k, where), "
        "a function (query, k) that returns rows of id, text and score, or a retriever of LangChain, LlamaIndex, "
        "Haystack or DSPy"
    )


def from_function(function: Callable[..., Any], *, name: str | None = None, lower_is_better: bool = False) -> Retriever:
    """Return a function `(query, k)` that returns rows as a retriever: see `RowsRetriever`.

    `Search` accepts such a function itself. `from_function` states what the function cannot.

    Args:
        function: The function. It may be async, or a generator. With a parameter `where`, it receives the filter of the
            search, or None without one: field -> value, or field -> list of values. `types.Where` defines which
            passages match.
        name: The name of the retriever in errors. None: the name of the function.
        lower_is_better: The scores of the rows are distances. A hit then has minus the distance as its score, and the
            distance itself as signal "distance".

    Raises:
        InvalidInput: `function` is no such function.
    """
    if isinstance(function, type) or not callable(function):
        raise InvalidInput(f"function is {function!r:.80}: give a function (query, k) that returns rows")
    label = name or f"the retriever {_label(function)}"
    return RowsRetriever(_function(function, label, "lower" if lower_is_better else "higher"), label)


class RowsRetriever:
    """A foreign retriever. Satisfies `protocols.Retriever`.

    A row is a tuple `(id, text)` or `(id, text, score)`, a string, a dict or an object with text, or a `Hit`. Dicts and
    objects may have an id, a score, a title, a document id and metadata. `search.foreign.rows.RowReader` has the rules
    for missing fields. The order of the rows is the ranking. Results show the scores, but the scores do not change the
    order. Of several rows with one id, the first is used, and a note counts the others. Rows after the first `k` hits
    are not read. If the retriever has a limit of its own that is smaller than k, a note reports the limit.
    """

    def __init__(self, adapter: Adapter, name: str) -> None:
        self.name = name
        self._adapter = adapter
        self._reader = RowReader(name, adapter.scores)
        self._background = Background()

    @property
    def function_name(self) -> str:
        """The name of the function, or that of the class if there is none."""
        return self._adapter.label

    def __repr__(self) -> str:
        return short_repr(self, self.function_name, {})

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits, in the order of the rows, with notes about repeated rows and a limit below `k`.

        Raises:
            InvalidInput: An empty query, k below 1, or a filter for a retriever that cannot filter.
            RetrieverFailed: The retriever raised an error, or returned no list of rows, or a row that cannot be used:
                the message names its id.
        """
        query = checked_query(query, k)
        if where and self._adapter.no_filter:
            raise InvalidInput(f"where: {self.name} {self._adapter.no_filter}", field="where")
        hits: dict[str, Hit] = {}
        count = 0
        for label, row in self._rows(query, k, where):
            hit = self._hit(row, label, len(hits) + 1)
            hits.setdefault(hit.id, hit)
            count += 1
            if len(hits) == k:
                break
        repeated = count - len(hits)
        notes = [Note("repeated_rows", count=repeated)] if repeated else []
        return Retrieved(numbered(list(hits.values())), notes + self._notes_on_limit(count, k))

    def _hit(self, row: Any, label: str, rank: int) -> Hit:
        try:
            return self._reader.hit(row, label, rank)
        except InvalidInput as error:  # the fault of the retriever, and not of the input of the search
            raise RetrieverFailed(str(error)) from error

    def _rows(self, query: str, k: int, where: Where | None) -> Iterator[tuple[str, Any]]:
        """Yield each row with its name in errors."""
        rows = self._answer(query, k, where)
        if rows is None or isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
            hint = ", such as [(id, text, score)]; an empty list for no passages" if rows is None else ""
            raise RetrieverFailed(f"{self.name} returned {rows!r:.80}: it must return a list of rows{hint}")
        total = len(rows) if isinstance(rows, Sized) else None
        place, iterator, end = 0, iter(rows), object()
        while True:
            with failures(self.name):
                row = next(iterator, end)
            if row is end:
                return
            yield item_name("row", place, total), row
            place += 1

    def _answer(self, query: str, k: int, where: Where | None) -> Any:
        *calls, last = self._adapter.calls
        with failures(self.name):
            for call in calls:
                try:
                    return self._adapter.rows(self._background.result(call(query, k, where)))
                except NotImplementedError:
                    continue
            return self._adapter.rows(self._background.result(last(query, k, where)))

    def _notes_on_limit(self, count: int, k: int) -> list[Note]:
        own = self._adapter.limit
        if own is None or not 0 < count < k:
            return []
        limit = own.value()
        if limit is not None and count < limit:
            return []
        return [Note("retriever_limited", count=count, k=k, limit=limit, line=own.line.format(k=k))]


class CutRetriever(RowsRetriever):
    """A foreign retriever that accepts no number of passages. Satisfies `protocols.KeepsPrefix`.

    A shorter answer is the start of the whole answer, so `tune` calls the retriever once for all pool sizes.
    """

    prefix_depth = sys.maxsize


def _adapter(part: Any, name: str) -> Adapter | None:
    """How the part is called; None if it is a retriever of our own, or none at all."""
    retrieves = methods(part, "retrieve", "aretrieve")
    if retrieves:
        return _retrieving(part, retrieves[0], name)
    if methods(part, "similarity_search_with_score", "asimilarity_search_with_score"):
        return frameworks.langchain_store(part)
    if methods(part, "invoke", "ainvoke"):
        return frameworks.langchain_retriever(part)
    if haystack.is_pipeline(part):
        return haystack.haystack_pipeline(part, name)
    if methods(part, "run", "run_async"):
        return haystack.haystack_component(part, name)
    if methods(part, "forward"):
        return frameworks.dspy_retriever(part)
    return _function(part, name) if callable(part) else None


def _retrieving(part: Any, method: Callable[..., Any], name: str) -> Adapter | None:
    """How an object with `retrieve` is called. Ours accepts a query, a number and a filter, LlamaIndex's a query."""
    if accepts(method, "query", 1, None) and not inspect.iscoroutinefunction(method):
        return None
    if accepts(method, "query", 1):
        return _function(method, name, label=type(part).__name__)
    return frameworks.llamaindex_retriever(part)


def _function(
    function: Callable[..., Any], name: str, scores: Direction = "higher", label: str | None = None
) -> Adapter:
    filters = "where" in parameters(function)
    if not accepts(function, "query", 1, **({"where": None} if filters else {})):
        raise InvalidInput(
            f"{name} does not accept (query, k): give a function with two parameters, and a third one named 'where' "
            "if it can filter"
        )
    call: Call = (
        (lambda query, k, where: function(query, k, where=where))
        if filters
        else (lambda query, k, where: function(query, k))
    )
    no_filter = "" if filters else "cannot filter, because the function has no parameter 'where'"
    return Adapter(label or _label(function), (call,), no_filter=no_filter, scores=scores)


def _label(part: Any) -> str:
    return str(getattr(part, "__name__", type(part).__name__))
