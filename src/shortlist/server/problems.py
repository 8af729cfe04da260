"""The kinds of problems of a request. `dialects` gives the body and the status code of each problem."""

from __future__ import annotations

from enum import Enum

from shortlist.errors import (
    InvalidInput,
    NotFitted,
    QueryTooLong,
    QueueFull,
    RetrieverFailed,
    ShortlistError,
    StoreError,
    StoreUnreachable,
)


class Kind(Enum):
    """What went wrong."""

    MALFORMED = "malformed"  # not JSON, not UTF-8, NaN, nested too deep, or not an object
    UNKNOWN_FIELD = "unknown_field"
    INVALID = "invalid"  # a field is missing, of the wrong type or out of range
    EMPTY = "empty"  # no query or no documents
    TOO_MANY = "too_many"
    TOO_LONG = "too_long"  # a text is longer than the model reads, and may not be cut
    TOO_LARGE = "too_large"  # the bytes of the body
    UNSUPPORTED = "unsupported"  # the encoding of the body
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"  # the key has no access to a collection
    MISDIRECTED = "misdirected"  # the server does not answer to this host name
    NO_MODEL = "no_model"
    NOT_FOUND = "not_found"
    NOT_FITTED = "not_fitted"  # no stop rule or probabilities are stored for this search
    WRONG_METHOD = "wrong_method"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"  # the server lacks this part, is not ready, or the store does not answer
    UPSTREAM = "upstream"  # the store refused the request, or the retriever failed
    FAILED = "failed"  # the model returned unusable numbers, or the server has a bug


class Problem(Exception):
    """A request that cannot be answered. `field` names the field at fault, `retry_after` is in seconds."""

    def __init__(self, kind: Kind, message: str, *, field: str = "", retry_after: float | None = None) -> None:
        self.kind, self.message, self.field, self.retry_after = kind, message, field, retry_after
        super().__init__(message)


def problem_of(error: ShortlistError) -> Problem:
    """Return an error of the package as a problem. A message that may contain a path is left out."""
    if isinstance(error, QueueFull):
        return Problem(Kind.OVERLOADED, str(error), retry_after=error.retry_after)
    if isinstance(error, QueryTooLong):
        return Problem(Kind.TOO_LONG, str(error), field="query")
    if isinstance(error, InvalidInput):
        return Problem(Kind.INVALID, str(error), field=error.field or "")
    if isinstance(error, NotFitted):
        return Problem(
            Kind.NOT_FITTED, "no usable fit is stored for this search. Run: shortlist calibrate QUERIES --index DIR"
        )
    if isinstance(error, StoreUnreachable):
        return Problem(Kind.UNAVAILABLE, "the store of this server does not answer: try again later")
    if isinstance(error, StoreError | RetrieverFailed):
        return Problem(
            Kind.UPSTREAM, f"stage one of this server failed ({type(error).__name__}): see the log of the server"
        )
    return Problem(Kind.FAILED, f"the server could not finish this request ({type(error).__name__}): see its log")
