"""Every error that shortlist raises on purpose.

    ShortlistError                  catch this one to catch them all
    ├── InvalidInput (ValueError)   an argument, a query, a file's content
    │   └── QueryTooLong            a query that leaves no room for a passage in the reranker's window
    ├── MissingExtra (ImportError)  an optional package; the message holds the pip line
    ├── ModelError                  weights or a model folder that can't be used
    │   ├── ModelNotFound           no such id, folder or file
    │   ├── HubUnreachable          the model hub did not answer
    │   ├── HostedRefused           a rerank service refused: key, model or request
    │   ├── HostedUnavailable       a rerank service did not answer, is overloaded or failing
    │   └── BadScores               a model returned NaN, infinity or a wrong count
    ├── QueueFull                   a server has as much waiting as it takes; the error holds when to come again
    └── FolderError                 a folder that can't serve as the index asked for
        ├── NotAnIndex              the folder is something else, or is missing
        ├── IndexMismatch           made with another bi-encoder or in another format
        ├── IndexLocked             another process holds it open
        ├── NotFitted               nothing fitted lies beside it, or it was fitted for something else
        └── IndexWriteFailed        the disk is full, read-only or failing

Messages say what happened, with which value, and what to do about it.
"""

from __future__ import annotations


class ShortlistError(Exception):
    """The root of every error raised on purpose."""


class InvalidInput(ShortlistError, ValueError):
    """An argument or the content of a file that cannot be used. `field` names the argument, if there is one."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        self.field = field
        super().__init__(message)


class QueryTooLong(InvalidInput):
    """A query that leaves no room for a passage in the reranker's window; queries are never cut."""


class MissingExtra(ShortlistError, ImportError):
    """An optional package is needed and not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package. Install it with: pip install 'shortlist[{extra}]'")


class ModelError(ShortlistError):
    """A model that can't be loaded or run."""


class ModelNotFound(ModelError):
    """No model under this name, in this folder, or no usable file in it."""


class HubUnreachable(ModelError):
    """The model hub did not answer and the files are not in the local cache."""


class HostedRefused(ModelError):
    """A rerank service refused the request, or its key is not set; sending it again would not help."""


class HostedUnavailable(ModelError):
    """A rerank service did not answer in time, or is overloaded or failing, also after retries."""


class BadScores(ModelError):
    """A reranker returned NaN, infinity, or not one score a passage."""


class QueueFull(ShortlistError):
    """More is waiting for a model than may wait; `retry_after` says in how many seconds to come again."""

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(f"too much is waiting for the model: come again in {retry_after:g} s")


class FolderError(ShortlistError):
    """An index folder that can't be used as asked."""


class NotAnIndex(FolderError):
    """The folder is missing, or holds something other than a shortlist index."""


class IndexMismatch(FolderError):
    """The index was made with another bi-encoder or in another format."""


class IndexLocked(FolderError):
    """Another process has the index open."""


class NotFitted(FolderError):
    """What was fitted on labelled queries is missing, damaged, or was fitted for other models or another blend."""


class IndexWriteFailed(FolderError):
    """The index could not be written; what was committed before is intact."""
