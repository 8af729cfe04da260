"""The options of the server, and the limits of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shortlist.config import SearchConfig

ANY_MODEL = "*"
CACHE_BYTES = 64 * 1024 * 1024
QUEUE_PAIRS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """The limits of one request, and the names of the models in requests.

    Args:
        max_body: Bytes of a body.
        max_documents: Passages of a rerank request, of a pool and of an answer.
        max_inputs: Texts of an embeddings request.
        max_characters: Characters of a text or a query.
        model_names: Further names of the models in requests. "*" accepts every name.
        auto_truncate: Cut long texts on the routes of TEI if a request does not set `truncate`.
    """

    max_body: int = 16 * 1024 * 1024
    max_documents: int = 2048
    max_inputs: int = 2048
    max_characters: int = 200_000
    model_names: tuple[str, ...] = ()
    auto_truncate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The options of `shortlist serve`.

    Args:
        config: The models and the defaults of `/search`.
        index: The index: a folder, or one on a server; or several collections, see `opening.open_search`. None:
            reranking and embeddings only, unless `config` names a store or a retriever of your own.
        boosts: The boosts of several collections.
        state: The folder for the fits of a retriever without an index.
        queries: A file of judged queries. The page marks their relevant passages.
        host: The address to listen on.
        port: The port to listen on. 0: any free port.
        api_keys: A file with one API key a line, in addition to the environment variable.
        allow_origins: Origins of pages that may use the server from a browser, or "*".
        allow_hosts: Further names that the `Host` header may have, besides the names of this machine.
        limits: The limits of one request.
        queue_pairs: Passages that may wait for the reranker.
        cache_bytes: Memory for scores that were computed before. 0: no cache.
        effort_under_load: The effort level of searches while many passages wait. None: load changes nothing.
        mcp: Also offer the tools for agents at `/mcp`.
        drain: Seconds to serve after the signal to stop, while `/ready` answers 503.
        trace: Send OpenTelemetry spans.
        trace_texts: Put queries and passages into the spans.
        log_texts: Put queries and passages into the log.
        log_level: "debug", "info", "warning" or "error".
    """

    config: SearchConfig = field(default_factory=SearchConfig)
    index: str | Path | Sequence[str | Path] | None = None
    boosts: Mapping[str, float] | None = None
    state: Path | None = None
    queries: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8800
    api_keys: Path | None = None
    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    limits: RequestLimits = field(default_factory=RequestLimits)
    queue_pairs: int = QUEUE_PAIRS
    cache_bytes: int = CACHE_BYTES
    effort_under_load: str | None = None
    mcp: bool = False
    drain: float = 0.0
    trace: bool = False
    trace_texts: bool = False
    log_texts: bool = False
    log_level: str = "info"
