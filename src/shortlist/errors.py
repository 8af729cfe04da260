"""Every error that shortlist raises on purpose.

    ShortlistError                  the base class: catch it to catch them all
    ├── InvalidInput (ValueError)   an argument, a query, or the content of a file
    │   └── QueryTooLong            a query that leaves no room for a passage in the reranker's window
    ├── MissingExtra (ImportError)  an optional package; the message has the pip command
    ├── ModelError                  weights or a model folder that cannot be used
    │   ├── ModelNotFound           no such id, folder or file
    │   ├── HubUnreachable          the model hub did not answer
    │   ├── HostedRefused           a hosted model refused the key, the model or the request
    │   ├── HostedUnavailable       a hosted model did not answer, is overloaded, or fails
    │   └── BadScores               a model returned NaN, infinity or a wrong number of scores
    ├── StoreError                  a store that cannot be searched
    │   ├── StoreNotFound           no such collection, or no such file or folder
    │   ├── StoreUnreachable        the store did not answer
    │   └── StoreRefused            the store refused the key or the request
    ├── RetrieverFailed             a retriever of the user raised an error, or returned no usable rows
    ├── QueueFull                   the queue of a server is full; the error has the time to wait
    ├── WorkersFailed               worker processes or a Ray cluster cannot work
    └── FolderError                 an index folder that cannot be used
        ├── NotAnIndex              the folder is missing, or contains something else
        ├── IndexMismatch           the index was made with another bi-encoder or in another format
        ├── IndexLocked             the index is open already
        ├── NotFitted               a stop rule or a curve is missing, damaged, or made for something else
        └── IndexWriteFailed        the disk is full, read-only or failing

A message names the problem, the value, and what to do.
"""

from __future__ import annotations


class ShortlistError(Exception):
    """The base class of every error that is raised on purpose."""


class InvalidInput(ShortlistError, ValueError):
    """An argument or the content of a file that cannot be used. `field` names the argument, if there is one."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        self.field = field
        super().__init__(message)


class QueryTooLong(InvalidInput):
    """A query that leaves no room for a passage in the reranker's window. Queries are never cut."""


class MissingExtra(ShortlistError, ImportError):
    """An optional package is needed, and it is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        self.extra = extra
        super().__init__(
            f"{what} needs an optional package. Install it with: pip install 'shortlist[{extra}]'. In a clone of the "
            f"repository: pip install -e '.[{extra}]'"
        )


class ModelError(ShortlistError):
    """A model that cannot be loaded or run."""


class ModelNotFound(ModelError):
    """No model has this name, or its folder has no usable file."""


class HubUnreachable(ModelError):
    """The model hub did not answer, and the files are not in the local cache."""


class HostedRefused(ModelError):
    """The service of a hosted model refused the request, or its key is not set. A retry would not help."""


class HostedUnavailable(ModelError):
    """The service of a hosted model did not answer in time, is overloaded, or fails, after all retries."""


class BadScores(ModelError):
    """A reranker returned NaN, infinity, or a wrong number of scores."""


class StoreError(ShortlistError):
    """A store, such as a Qdrant server, that cannot be searched."""


class StoreNotFound(StoreError):
    """The store has no such collection, or there is no such file or folder."""


class StoreUnreachable(StoreError):
    """The store did not answer: it is not running, the address is wrong, or it needs more time."""


class StoreRefused(StoreError):
    """The store refused the request, or its key is missing or not accepted. A retry would not help."""


class RetrieverFailed(ShortlistError):
    """A retriever that is not part of the package raised an error, which is `__cause__`, or returned no usable rows."""


class QueueFull(ShortlistError):
    """The queue of a model is full. `retry_after` is the time to wait, in seconds."""

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(f"the queue of the model is full: try again in {retry_after:g} s")


class WorkersFailed(ShortlistError):
    """Worker processes cannot start, a worker failed, or a Ray cluster does not answer."""


class FolderError(ShortlistError):
    """An index folder that cannot be used."""


class NotAnIndex(FolderError):
    """The folder is missing, or contains something other than an index."""


class IndexMismatch(FolderError):
    """The index was made with another bi-encoder or in another format."""


class IndexLocked(FolderError):
    """The index is open already, in this or another process."""


class NotFitted(FolderError):
    """A stop rule or a probability curve is missing, damaged, or made for other models or another blend."""


class IndexWriteFailed(FolderError):
    """The index cannot be written. What was committed before is intact."""
