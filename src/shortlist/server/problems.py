"""What can be wrong with a request, whatever the dialect; `dialects` puts it into each one's own body and code."""

from __future__ import annotations

from enum import Enum

from shortlist.errors import InvalidInput, QueryTooLong, QueueFull, ShortlistError


class Kind(Enum):
    """What went wrong."""

    MALFORMED = "malformed"  # no JSON, not UTF-8, NaN, nested too deep, no object
    UNKNOWN_FIELD = "unknown_field"
    INVALID = "invalid"  # a field is missing, of the wrong type or out of range
    EMPTY = "empty"  # nothing to work on: no query, no documents
    TOO_MANY = "too_many"
    TOO_LONG = "too_long"  # a text that is longer than the model reads, where cutting is not allowed
    TOO_LARGE = "too_large"  # the body's bytes
    UNAUTHORIZED = "unauthorized"
    MISDIRECTED = "misdirected"  # the server is not called by this name
    NO_MODEL = "no_model"
    NOT_FOUND = "not_found"
    WRONG_METHOD = "wrong_method"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"  # this server has no such part, or is not ready
    FAILED = "failed"  # the model returned nonsense, or we are wrong


class Problem(Exception):
    """A request that can't be answered. `field` names the field at fault, `retry_after` counts seconds."""

    def __init__(self, kind: Kind, message: str, *, field: str = "", retry_after: float | None = None) -> None:
        self.kind, self.message, self.field, self.retry_after = kind, message, field, retry_after
        super().__init__(message)


def problem_of(error: ShortlistError) -> Problem:
    """An error of the package as a problem of the request; messages that may hold a path stay inside."""
    if isinstance(error, QueueFull):
        return Problem(Kind.OVERLOADED, str(error), retry_after=error.retry_after)
    if isinstance(error, QueryTooLong):
        return Problem(Kind.TOO_LONG, str(error), field="query")
    if isinstance(error, InvalidInput):
        return Problem(Kind.INVALID, str(error))
    return Problem(Kind.FAILED, f"the server could not finish this request ({type(error).__name__}): see its log")
