"""The errors of Qdrant Edge as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shortlist.errors import FolderError, ShortlistError

PANIC = "PanicException"
"""The name of the exception that PyO3 makes of a panic in Rust. It has no importable class."""


@contextmanager
def translated(kind: type[FolderError], what: str) -> Iterator[None]:
    """Raise errors of the engine as `kind`.

    Qdrant Edge 0.9.0 raises `Exception` itself, so that is caught. If it panics, it raises a `PanicException`, which is
    no `Exception`.
    """
    try:
        yield
    except ShortlistError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        raise kind(f"{what} ({error})") from error
