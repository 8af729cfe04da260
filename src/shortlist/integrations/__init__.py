"""shortlist as a retriever and a reranker of LangChain, LlamaIndex, Haystack and DSPy, one module for each.

This package imports no framework. Each module needs its framework, and raises MissingExtra without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shortlist.errors import MissingExtra


@contextmanager
def framework(extra: str, package: str) -> Iterator[None]:
    """Enclose the imports of a framework.

    Raises:
        MissingExtra: The framework is not installed. `extra` is its extra, and `package` its package in Python.
    """
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise MissingExtra(f"shortlist.integrations.{extra}", extra) from error
