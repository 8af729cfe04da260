"""The retriever components and the pipelines of Haystack, told by their methods. Haystack is not imported."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from shortlist.errors import InvalidInput, RetrieverFailed
from shortlist.search.filters import Operator, operators_of
from shortlist.search.filters.conditions import ORDERS, SYMBOLS
from shortlist.search.foreign.adapter import Adapter, Call, OwnLimit, methods, parameters
from shortlist.types import Where

LIMITS = ("top_k", "top_k_per_retriever")
"""The inputs that get the number of passages."""
QUERIES = ("query", "text")
"""The inputs of a pipeline that get the query (an embedder: text)."""


def is_pipeline(part: Any) -> bool:
    """Return whether the object is a pipeline, and not a component."""
    return len(methods(part, "inputs", "outputs", "run")) == 3


def haystack_component(part: Any, name: str) -> Adapter:
    """Return the adapter of a retriever component. `name` is its name in errors.

    Raises:
        InvalidInput: The method `run` of the component does not accept a query, or needs more than a query.
    """
    runs = methods(part, "run", "run_async")
    inputs = _inputs(part, runs[0])
    needed = [key for key, required in inputs.items() if required and key != "query"]
    if "query" not in inputs or needed:
        embedding = " Wrap it in a TextEmbeddingRetriever with its embedder." if "query_embedding" in inputs else ""
        raise InvalidInput(
            f"{name} is a component whose run needs {', '.join(needed) or 'no query'}: a retriever needs a query and "
            f"nothing else.{embedding}"
        )
    limits = [key for key in LIMITS if key in inputs]
    warm = functools.cache(getattr(part, "warm_up", lambda: None))
    calls = tuple(_component_call(run, limits, warm) for run in runs)
    limit = None if limits else OwnLimit(lambda: getattr(part, "top_k", None), "retriever.top_k = {k}")
    return Adapter(
        type(part).__name__,
        calls,
        rows=_documents_of(name),
        no_filter="" if "filters" in inputs else "has no input filters, so it cannot filter",
        scores="unknown",
        limit=limit,
    )


def haystack_pipeline(part: Any, name: str) -> Adapter:
    """Return the adapter of a pipeline that ends in documents. `name` is its name in errors.

    Raises:
        InvalidInput: The pipeline needs another input than the query.
    """
    _pipeline_inputs(part, name)  # checked now, and read again at each call, because a pipeline can grow
    runs = methods(part, "run", "run_async")
    filters = any("filters" in sockets for sockets in part.inputs().values())

    def call_of(run: Callable[..., Any]) -> Call:
        return lambda query, k, where: run(_data(_pipeline_inputs(part, name), query, k, where))

    return Adapter(
        type(part).__name__,
        tuple(map(call_of, runs)),
        rows=_documents_of(name),
        no_filter="" if filters else "has no input filters, so it cannot filter",
        scores="unknown",
    )


def haystack_filters(where: Where) -> dict[str, Any]:
    """Return a filter in the form that every document store of Haystack reads.

    Raises:
        InvalidInput: A condition on the start or the case of a text, or a filter that cannot be used.
    """
    return {
        "operator": "AND",
        "conditions": [
            {"field": f"meta.{field}", **_compared(field, operator, value)}
            for field, operators in operators_of(where).items()
            for operator, values in operators
            for value in (values if operator in ORDERS else [values])
        ],
    }


def _compared(field: str, operator: Operator, value: Any) -> dict[str, Any]:
    """Return the operator and the value of a condition. Haystack has no conditions on the start or the case of text."""
    if operator in ORDERS:
        return {"operator": SYMBOLS[operator], "value": value}
    if operator not in ("in", "nin"):
        raise InvalidInput(
            f"where: Haystack cannot answer {field}{SYMBOLS[operator]}{value[0]}: it has =, !=, <, <=, > and >=",
            field="where",
        )
    if len(value) == 1:
        return {"operator": "==" if operator == "in" else "!=", "value": value[0]}
    return {"operator": "in" if operator == "in" else "not in", "value": value}


def _inputs(part: Any, run: Callable[..., Any]) -> dict[str, bool]:
    """The inputs of a component, and whether each is required. A super component has them in a mapping."""
    given = parameters(run)
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in given.values()):
        return {**dict.fromkeys(getattr(part, "input_mapping", None) or (), False)}
    return {key: parameter.default is inspect.Parameter.empty for key, parameter in given.items()}


def _component_call(run: Callable[..., Any], limits: list[str], warm: Callable[[], Any]) -> Call:
    def call(query: str, k: int, where: Where | None) -> Any:
        warm()
        filters = {"filters": haystack_filters(where)} if where else {}
        return run(query=query, **dict.fromkeys(limits, k), **filters)

    return call


def _pipeline_inputs(part: Any, name: str) -> Mapping[str, Mapping[str, Any]]:
    """The inputs of a pipeline by component. Raises InvalidInput if one of them needs something unknown."""
    inputs: Mapping[str, Mapping[str, Any]] = part.inputs()
    needed = [
        f"{component}.{socket}"
        for component, sockets in inputs.items()
        for socket, facts in sockets.items()
        if facts.get("is_mandatory") and socket not in QUERIES
    ]
    if needed or not any(key in sockets for sockets in inputs.values() for key in QUERIES):
        raise InvalidInput(
            f"{name} is a pipeline that needs {', '.join(needed) or 'no query'}: give a function (query, k) that runs "
            "the pipeline and returns its documents"
        )
    return inputs


def _data(
    inputs: Mapping[str, Mapping[str, Any]], query: str, k: int, where: Where | None
) -> dict[str, dict[str, Any]]:
    """The inputs of a run: the query and, if there are such inputs, the number of passages and the filter."""
    values: dict[str, Any] = {**dict.fromkeys(QUERIES, query), **dict.fromkeys(LIMITS, k)}
    if where:
        values["filters"] = haystack_filters(where)
    given = {
        component: {socket: values[socket] for socket in sockets if socket in values}
        for component, sockets in inputs.items()
    }
    return {component: sockets for component, sockets in given.items() if sockets}


def _documents_of(name: str) -> Callable[[Any], Any]:
    """Return a function from the answer of a component or a pipeline to its documents."""

    def documents(answer: Any) -> Any:
        outputs = answer if isinstance(answer, Mapping) else {}
        if "documents" in outputs:
            return outputs["documents"]
        lists = {
            key: output["documents"]
            for key, output in outputs.items()
            if isinstance(output, Mapping) and "documents" in output
        }
        if len(lists) != 1:
            ends = f"ends in several lists of documents ({', '.join(lists)}): join them" if lists else ""
            raise RetrieverFailed(f"{name} {ends or f'returned {answer!r:.80}: its output must have documents'}")
        return next(iter(lists.values()))

    return documents
