"""Log lines as JSON objects. They hold no keys, and no queries or passages unless that is asked for."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Sequence
from typing import IO, Any

from shortlist.protocols import Reranker
from shortlist.server.batching.scorer import Scored, Scorer

NAME = "shortlist.server"
LIBRARIES = ("uvicorn.error",)


class JsonLines(logging.Formatter):
    """One object a line: time (UTC), level, event and what goes with it.

    Of an exception it keeps the type, that of its first cause and the places in the code where it began; its message
    may quote what a client sent, and is kept only with `texts`.
    """

    def __init__(self, *, texts: bool = False) -> None:
        super().__init__()
        self._texts = texts

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
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
    """The server's logger, writing to standard error or `stream`; the web server's own lines go the same way."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(texts=texts))
    for name in (NAME, *LIBRARIES):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level.upper())
        logger.propagate = False
    return logging.getLogger(NAME)


def say(
    logger: logging.Logger,
    event: str,
    level: int = logging.INFO,
    error: BaseException | None = None,
    **fields: object,
) -> None:
    """One line: the event, its fields, and of `error` what `JsonLines` keeps."""
    logger.log(level, event, exc_info=error, extra={"fields": fields})


class LoggedTexts:
    """Satisfies `Scorer` and writes queries, passages and scores to the log: only for those who asked for it."""

    def __init__(self, inner: Scorer, logger: logging.Logger) -> None:
        self._inner, self._logger = inner, logger

    @property
    def name(self) -> str:
        """The model's id."""
        return self._inner.name

    @property
    def reranker(self) -> Reranker:
        """See `Scorer.reranker`."""
        return self._inner.reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        found = await self._inner.score(query, texts, max_tokens=max_tokens)
        say(self._logger, "scored", query=query, texts=list(texts), scores=found.scores)
        return found


def _short(file: str) -> str:
    """A source file from its package on: lines hold no folders of this host."""
    parts = file.replace("\\", "/").split("/")
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    return "/".join(parts[-3:])
