"""The retrievers of LangChain, LlamaIndex and DSPy, told by their methods. No framework is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shortlist.search.foreign.adapter import Adapter, Call, OwnLimit, accepts, methods
from shortlist.types import Where

LANGCHAIN_K = 4
"""The number of documents of a LangChain vector store whose `search_kwargs` has no k."""
PLAIN_K: Mapping[str, str] = {"k": "retriever.k = {k}", "similarity_top_k": "retriever.similarity_top_k = {k}"}
"""The attributes that may hold a retriever's own k, with the line that sets them."""


def langchain_store(part: Any) -> Adapter:
    """Return the adapter of a LangChain vector store. Its scores may be distances, so they are no scores."""
    scored = methods(part, "similarity_search_with_score")
    plain = methods(part, "similarity_search")
    asynchronous = methods(part, "asimilarity_search_with_score", "asimilarity_search")
    return Adapter(
        _label(part),
        tuple(_with_named_k(method) for method in [*scored, *plain, *asynchronous]),
        no_filter="cannot filter here: give a function that passes the filter of the vector store",
        scores="unknown",
    )


def langchain_retriever(part: Any) -> Adapter:
    """Return the adapter of a LangChain retriever, or any other object with `invoke`. Its documents have no scores."""
    only_async = hasattr(part, "afunc") and not hasattr(part, "func")  # a RunnableLambda
    calls = methods(part, *(["ainvoke"] if only_async else ["invoke", "ainvoke"]))
    return Adapter(
        _label(part),
        tuple(_without_k(method) for method in calls),
        no_filter="cannot filter here: set the filter in its search_kwargs",
        limit=_langchain_limit(part),
    )


def llamaindex_retriever(part: Any) -> Adapter:
    """Return the adapter of a LlamaIndex retriever: `retrieve` accepts a query and nothing else."""
    return Adapter(
        _label(part),
        tuple(_without_k(method) for method in methods(part, "retrieve", "aretrieve")),
        no_filter="cannot filter here: give its filters to its constructor",
        limit=_own_limit(part),
    )


def dspy_retriever(part: Any) -> Adapter:
    """Return the adapter of a DSPy retriever: a callable object with `forward`, for `passages` or a list."""
    calls: list[Callable[..., Any]] = [*([part] if callable(part) else []), *methods(part, "acall")]
    with_k = accepts(part.forward, "query", 1)
    return Adapter(
        _label(part),
        tuple(map(_with_k if with_k else _without_k, calls)),
        rows=_passages,
        limit=None if with_k else _own_limit(part),
    )


def _label(part: Any) -> str:
    return type(part).__name__


def _with_k(method: Callable[..., Any]) -> Call:
    return lambda query, k, where: method(query, k)


def _with_named_k(method: Callable[..., Any]) -> Call:
    return lambda query, k, where: method(query, k=k)


def _without_k(method: Callable[..., Any]) -> Call:
    def call(query: str, k: int, where: Where | None) -> Any:
        return method(query)

    return call


def _langchain_limit(part: Any) -> OwnLimit:
    options = getattr(part, "search_kwargs", None)
    if not isinstance(options, dict):
        return _own_limit(part)
    return OwnLimit(lambda: _whole(options.get("k", LANGCHAIN_K)), 'retriever.search_kwargs["k"] = {k}')


def _own_limit(part: Any) -> OwnLimit:
    """The limit in an attribute of the retriever; an unknown limit without such an attribute."""
    for name, line in PLAIN_K.items():
        if _whole(getattr(part, name, None)) is not None:
            return OwnLimit(lambda name=name: _whole(getattr(part, name, None)), line)  # type: ignore[misc]
    if _whole(getattr(part, "_similarity_top_k", None)) is not None:
        return OwnLimit(lambda: _whole(part._similarity_top_k), f"{_label(part)}(..., similarity_top_k={{k}})")
    return OwnLimit(lambda: None)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _passages(answer: Any) -> Any:
    """The rows of a DSPy prediction. Its `indices` are ids, and its `scores` are similarities."""
    passages = getattr(answer, "passages", None)
    if not isinstance(passages, list | tuple):
        return answer
    indices, scores = (_beside(passages, getattr(answer, name, None)) for name in ("indices", "scores"))
    return [
        {"id": index, "text": passage, "score": score} if isinstance(passage, str) else passage
        for passage, index, score in zip(passages, indices, scores, strict=True)
    ]


def _beside(passages: list[Any] | tuple[Any, ...], values: Any) -> list[Any]:
    """The values of the passages; None for each if the prediction has no such list."""
    usable = isinstance(values, list | tuple) and len(values) == len(passages)
    return list(values) if usable else [None] * len(passages)
