"""`shortlist serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shortlist.cli.options import ALL, Given, resolved, with_settings
from shortlist.errors import InvalidInput
from shortlist.server import server_extra
from shortlist.server.options import RequestLimits, ServeOptions

LEVELS = ("debug", "info", "warning", "error")
DEFAULT = ServeOptions()
MEBIBYTE = 1024 * 1024


@with_settings(*ALL)
def serve(  # noqa: PLR0913 - one parameter an option
    given: Given,
    index: Annotated[
        Path | None,
        typer.Option("--index", metavar="DIR", help="The index to search. Without it, the server only reranks."),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option("--queries", metavar="FILE", help="Judged queries, to mark relevant passages on the page."),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on; 0.0.0.0 for all addresses.")
    ] = DEFAULT.host,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port to listen on; 0 for any free port.")
    ] = DEFAULT.port,
    api_keys: Annotated[
        Path | None,
        typer.Option("--api-keys", metavar="FILE", help="API keys, one a line, in addition to SHORTLIST_API_KEYS."),
    ] = None,
    allow_hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="A name in the Host header to answer to, besides localhost. Without keys, a server on a loopback "
            "address refuses other names.",
        ),
    ] = None,
    model_names: Annotated[
        list[str] | None,
        typer.Option("--model-name", metavar="NAME", help="Another name that the models answer to; * for every name."),
    ] = None,
    queue: Annotated[
        int,
        typer.Option("--queue", metavar="N", min=1, help="Passages that may wait. Further requests get status 429."),
    ] = DEFAULT.queue_pairs,
    max_documents: Annotated[
        int, typer.Option("--max-documents", metavar="N", min=1, help="Most passages of a request.")
    ] = DEFAULT.limits.max_documents,
    max_body: Annotated[
        int, typer.Option("--max-body", metavar="N", min=1, help="Most bytes of a request.")
    ] = DEFAULT.limits.max_body,
    max_inputs: Annotated[
        int, typer.Option("--max-inputs", metavar="N", min=1, help="Most texts of an embeddings request.")
    ] = DEFAULT.limits.max_inputs,
    max_characters: Annotated[
        int, typer.Option("--max-characters", metavar="N", min=1, help="Most characters of a text or a query.")
    ] = DEFAULT.limits.max_characters,
    auto_truncate: Annotated[
        bool, typer.Option("--auto-truncate", help="Cut long texts on TEI's routes if a request does not set it.")
    ] = False,
    cache_mb: Annotated[
        int, typer.Option("--cache-mb", metavar="N", min=0, help="Memory for computed scores in MiB; 0 for no cache.")
    ] = DEFAULT.cache_bytes // MEBIBYTE,
    drain: Annotated[
        float,
        typer.Option(
            "--drain", metavar="SECONDS", min=0, help="Seconds to continue, marked as not ready, after a stop signal."
        ),
    ] = DEFAULT.drain,
    trace: Annotated[
        bool, typer.Option("--trace", help="Send OpenTelemetry spans to the address in OTEL_EXPORTER_* variables.")
    ] = False,
    trace_texts: Annotated[bool, typer.Option("--trace-texts", help="Put queries and passages into spans.")] = False,
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Put queries and passages into the log.")] = False,
    log_level: Annotated[
        str, typer.Option("--log-level", metavar="|".join(LEVELS), help="The least level of a log line.")
    ] = DEFAULT.log_level,
) -> None:
    """Serve reranking and search over HTTP, with a page that shows both stages.

    The routes speak the dialects of Cohere, Jina, Voyage, TEI, Infinity and OpenAI embeddings. The search options are
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
    start(
        ServeOptions(
            config=resolved(given).config,
            index=index,
            queries=queries,
            host=host,
            port=port,
            api_keys=api_keys,
            allow_hosts=tuple(allow_hosts or ()),
            limits=limits,
            queue_pairs=queue,
            cache_bytes=cache_mb * MEBIBYTE,
            drain=drain,
            trace=trace,
            trace_texts=trace_texts,
            log_texts=log_texts,
            log_level=log_level,
        )
    )
