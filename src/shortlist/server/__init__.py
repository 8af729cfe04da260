"""The models and an index over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shortlist.errors import MissingExtra

PACKAGES = {"anyio", "cachetools", "fastapi", "prometheus_client", "pydantic", "pydantic_core", "starlette", "uvicorn"}
"""The modules of the server extra."""


@contextmanager
def server_extra(feature: str) -> Iterator[None]:
    """Enclose the imports of a feature that needs the server extra.

    Raises:
        MissingExtra: A package of the extra cannot be imported.
    """
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in PACKAGES:
            raise
        raise MissingExtra(feature, "server") from error
