"""Log lines as JSON objects. They contain no keys, and no queries or passages unless the options allow texts."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Sequence
from typing import IO, Any

from shortlist.server.batching.scorer import Scored, Scorer

NAME = "shortlist.server"
LIBRARIES = ("uvicorn.error",)


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: time (UTC), level, event and its fields.

    For an exception, the line has its type, the type of its first cause, and the places in the code where this cause
    was raised. The message of an exception may quote a request, so the line has the message only with `texts`.
    """

    def __init__(self, *, texts: bool = False) -> None:
        super().__init__()
        self._texts = texts

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage() if not record.exc_info else str(record.msg).strip(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = root = record.exc_info[1]
            while root.__cause__ is not None:
                root = root.__cause__
                line["cause"] = type(root).__name__
            frames = traceback.extract_tb(root.__traceback__)
            line["error"] = type(error).__name__
            line["where"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
            if self._texts:
                line["message"] = str(error)
        return json.dumps(line, ensure_ascii=False)


def make_log(*, texts: bool = False, level: str = "info", stream: IO[str] | None = None) -> logging.Logger:
    """Return the server's logger, which writes to standard error or `stream`, as does the web server's logger."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(texts=texts))
    for name in (NAME, *LIBRARIES):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level.upper())
        logger.propagate = False
    return logging.getLogger(NAME)


def log_event(
    logger: logging.Logger,
    event: str,
    level: int = logging.INFO,
    error: BaseException | None = None,
    **fields: object,
) -> None:
    """Write one line: the event, its fields, and what `JsonLines` shows of `error`."""
    logger.log(level, event, exc_info=error, extra={"fields": fields})


class LoggedTexts:
    """A `Scorer` that writes queries, passages and scores to the log."""

    def __init__(self, inner: Scorer, logger: logging.Logger) -> None:
        self._inner, self._logger = inner, logger
        self.name, self.reranker = inner.name, inner.reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        scored = await self._inner.score(query, texts, max_tokens=max_tokens)
        log_event(self._logger, "scored", query=query, texts=list(texts), scores=scored.scores)
        return scored


def _short(file: str) -> str:
    """Return a source file without the folders above its package: lines contain no folders of this machine."""
    parts = file.replace("\\", "/").split("/")
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    return "/".join(parts[-3:])
