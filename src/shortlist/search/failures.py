"""Errors of code that is not of the package: retrievers and rerankers of your own."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from shortlist.errors import RetrieverFailed, ShortlistError
from shortlist.redaction import without_secrets


@contextmanager
def failures(name: str, kind: type[ShortlistError] = RetrieverFailed) -> Iterator[None]:
    """Make an error of the enclosed code one of `kind`. Errors of shortlist stay. `name` is that of the part.

    The message has the type and the message of the error, and the line that raised it.
    """
    try:
        yield
    except ShortlistError:
        raise
    except Exception as error:  # code of the user's own, and clients of stores, may raise anything
        frames = traceback.extract_tb(error.__traceback__)
        place = f", in {PurePath(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
        raise kind(f"{without_secrets(name)} failed: {type(error).__name__}: {error}{place}") from error
