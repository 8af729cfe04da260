"""`shortlist serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shortlist.cli.options import ALL, INDEX_WORDS, Given, StateOption, option, resolved, with_settings
from shortlist.cli.options_collections import BoostOption, boosts_of
from shortlist.errors import InvalidInput
from shortlist.server import server_extra
from shortlist.server.options import RequestLimits, ServeOptions

LEVELS = ("debug", "info", "warning", "error")
DEFAULT = ServeOptions()
MEBIBYTE = 1024 * 1024


@with_settings(*ALL)
def serve(  # noqa: PLR0913 - one parameter per option
    given: Given,
    index: Annotated[
        list[str] | None,
        option(
            "--index",
            "INDEX",
            f"{INDEX_WORDS} Repeat the option to serve several collections; NAME=INDEX names a collection. Without it, "
            "and without a store or an attribute as retriever, the server only reranks.",
        ),
    ] = None,
    boost: BoostOption = None,
    state: StateOption = None,
    queries: Annotated[
        Path | None, option("--queries", "FILE", "Judged queries, to mark relevant passages on the page.")
    ] = None,
    host: Annotated[
        str, option("--host", "ADDRESS", "The address to listen on; 0.0.0.0 for all addresses.")
    ] = DEFAULT.host,
    port: Annotated[
        int, option("--port", "N", "The port to listen on; 0 for any free port.", least=0, most=65535)
    ] = DEFAULT.port,
    api_keys: Annotated[
        Path | None,
        option(
            "--api-keys",
            "FILE",
            "One API key per line, in addition to SHORTLIST_API_KEYS. KEY docs,faq limits a key to collections.",
        ),
    ] = None,
    allow_hosts: Annotated[
        list[str] | None,
        option(
            "--allow-host",
            "NAME",
            "A further name that the Host header may have, besides localhost. Without keys, a server on a loopback "
            "address refuses other names.",
        ),
    ] = None,
    allow_origins: Annotated[
        list[str] | None,
        option(
            "--allow-origin",
            "ORIGIN",
            "An origin, such as https://app.example.com, whose pages may use the server from a browser (CORS); * for "
            "all, with keys.",
        ),
    ] = None,
    model_names: Annotated[
        list[str] | None, option("--model-name", "NAME", "Another model name that requests may use; * for any name.")
    ] = None,
    queue: Annotated[
        int, option("--queue", "N", "Passages that may wait. Further requests get status 429.", least=1)
    ] = DEFAULT.queue_pairs,
    max_documents: Annotated[
        int, option("--max-documents", "N", "The largest number of passages in a request.", least=1)
    ] = DEFAULT.limits.max_documents,
    max_body: Annotated[
        int, option("--max-body", "N", "The largest request in bytes.", least=1)
    ] = DEFAULT.limits.max_body,
    max_inputs: Annotated[
        int, option("--max-inputs", "N", "The largest number of texts in an embeddings request.", least=1)
    ] = DEFAULT.limits.max_inputs,
    max_characters: Annotated[
        int, option("--max-characters", "N", "The largest number of characters in a text or a query.", least=1)
    ] = DEFAULT.limits.max_characters,
    auto_truncate: Annotated[
        bool, typer.Option("--auto-truncate", help="Cut long texts on TEI's routes if a request has no truncate.")
    ] = False,
    cache_mb: Annotated[
        int, option("--cache-mb", "N", "Memory for computed scores in MiB; 0 for no cache.", least=0)
    ] = DEFAULT.cache_bytes // MEBIBYTE,
    effort_under_load: Annotated[
        str | None,
        option(
            "--effort-under-load", "low|mid|high", "The effort of searches while many passages of other requests wait."
        ),
    ] = None,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="Also offer the tools for agents at /mcp (MCP, streamable HTTP).")
    ] = False,
    drain: Annotated[
        float,
        option("--drain", "SECONDS", "Seconds to serve after a stop signal, while /ready returns 503.", least=0),
    ] = DEFAULT.drain,
    trace: Annotated[
        bool, typer.Option("--trace", help="Send OpenTelemetry spans to the address in OTEL_EXPORTER_* variables.")
    ] = False,
    trace_texts: Annotated[bool, typer.Option("--trace-texts", help="Put queries and passages into spans.")] = False,
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Put queries and passages into the log.")] = False,
    log_level: Annotated[
        str, option("--log-level", "|".join(LEVELS), "The lowest level of the lines in the log.")
    ] = DEFAULT.log_level,
) -> None:
    """Serve reranking and search over HTTP, with a page that shows both stages.

    The routes have the formats of Cohere, Jina, Voyage, TEI, Infinity, vLLM, OpenAI and Ollama. The search options set
    the defaults of requests to /search.
    """
    if log_level not in LEVELS:
        raise InvalidInput(f"--log-level is {log_level!r}: choose one of {', '.join(LEVELS)}")
    with server_extra("shortlist serve"):
        from shortlist.server.start import start
    limits = RequestLimits(
        max_body=max_body,
        max_documents=max_documents,
        max_inputs=max_inputs,
        max_characters=max_characters,
        model_names=tuple(model_names or ()),
        auto_truncate=auto_truncate,
    )
    from shortlist.opening import single
    from shortlist.several import is_several

    start(
        ServeOptions(
            config=resolved(given).config,
            index=tuple(index) if index and is_several(index) else single(index),
            boosts=boosts_of(boost) or None,
            state=state,
            queries=queries,
            host=host,
            port=port,
            api_keys=api_keys,
            allow_hosts=tuple(allow_hosts or ()),
            allow_origins=tuple(allow_origins or ()),
            limits=limits,
            queue_pairs=queue,
            cache_bytes=cache_mb * MEBIBYTE,
            effort_under_load=effort_under_load,
            mcp=mcp,
            drain=drain,
            trace=trace,
            trace_texts=trace_texts,
            log_texts=log_texts,
            log_level=log_level,
        )
    )
