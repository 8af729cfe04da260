"""`shortlist serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shortlist.cli.options import (
    BiEncoderOption,
    BlendOption,
    ChosenCrossEncoderOption,
    FusionOption,
    Knobs,
    PrecisionOption,
    RerankOption,
    RetrieverOption,
    choose_knobs,
)
from shortlist.config import FILE
from shortlist.errors import InvalidInput, MissingExtra
from shortlist.registry import Settings
from shortlist.search.pipeline import POOL_SIZE

LEVELS = ("debug", "info", "warning", "error")
NEEDED = {"fastapi", "starlette", "pydantic", "uvicorn", "prometheus_client"}


def serve(  # noqa: PLR0913 - one parameter an option
    index: Annotated[
        Path | None, typer.Option("--index", metavar="DIR", help="The index to search; reranking alone if not given.")
    ] = None,
    queries: Annotated[
        Path | None, typer.Option("--queries", metavar="FILE", help="Judged queries, to mark what is relevant.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8800,
    api_keys: Annotated[
        Path | None,
        typer.Option("--api-keys", metavar="FILE", help="One key a line, beside those of SHORTLIST_API_KEYS."),
    ] = None,
    allow_hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="A name in Host to answer to beside localhost; without keys on a loopback address, no other is.",
        ),
    ] = None,
    retriever: RetrieverOption = "hybrid",
    rerank: RerankOption = None,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: ChosenCrossEncoderOption = None,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    fusion: FusionOption = None,
    pool: Annotated[
        int | None,
        typer.Option("--pool", min=1, help="Pool of a search that asks for none. [default: shortlist.toml, or 50]"),
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", min=1, help="Passages that it shows. [default: shortlist.toml, or 5]")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Cores for the models; all by default.")
    ] = None,
    model_names: Annotated[
        list[str] | None, typer.Option("--model-name", help="Another name the models answer to; * for any.")
    ] = None,
    queue: Annotated[
        int, typer.Option("--queue", min=1, help="Passages that may wait before requests get 429.")
    ] = 4096,
    max_documents: Annotated[int, typer.Option("--max-documents", min=1, help="Passages in one request.")] = 2048,
    max_body: Annotated[int, typer.Option("--max-body", min=1, help="Bytes in one request.")] = 16 * 1024 * 1024,
    max_inputs: Annotated[int, typer.Option("--max-inputs", min=1, help="Texts in one embeddings request.")] = 2048,
    max_characters: Annotated[
        int, typer.Option("--max-characters", min=1, help="Characters in one text or query.")
    ] = 200_000,
    auto_truncate: Annotated[
        bool, typer.Option("--auto-truncate", help="Cut long texts on TEI's routes where a request does not say.")
    ] = False,
    cache_mb: Annotated[int, typer.Option("--cache-mb", min=0, help="Memory for kept scores; 0 keeps none.")] = 64,
    drain: Annotated[float, typer.Option("--drain", min=0, help="Seconds to go on, unready, once told to stop.")] = 0.0,
    trace: Annotated[
        bool, typer.Option("--trace", help="Send OpenTelemetry spans where OTEL_EXPORTER_* says.")
    ] = False,
    trace_texts: Annotated[bool, typer.Option("--trace-texts", help="Put queries and passages into spans.")] = False,
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Put queries and passages into the log.")] = False,
    log_level: Annotated[str, typer.Option("--log-level", metavar="|".join(LEVELS))] = "info",
) -> None:
    """Serve reranking in every common dialect, search over an index, and a page that shows both stages."""
    try:
        from shortlist.server.settings import ServerSettings
        from shortlist.server.start import Options, start
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in NEEDED:
            raise
        raise MissingExtra("shortlist serve", "server") from error
    if log_level not in LEVELS:
        raise InvalidInput(f"--log-level {log_level!r}: choose one of {', '.join(LEVELS)}")
    knobs = choose_knobs(
        None if pool is None else str(pool), blend, rerank, top=top, fusion=fusion, cross_encoder=cross_encoder
    )
    models = knobs.over(Settings(retriever, bi_encoder, precision=precision, threads=threads))
    pool_size = _pool_size(knobs)
    limits = ServerSettings(
        max_body=max_body,
        max_documents=max_documents,
        max_inputs=max_inputs,
        max_characters=max_characters,
        model_names=tuple(model_names or ()),
        auto_truncate=auto_truncate,
        pool_size=pool_size,
        k=knobs.top,
    )
    start(
        Options(
            index=index,
            queries=queries,
            host=host,
            port=port,
            api_keys=api_keys,
            allow_hosts=tuple(allow_hosts or ()),
            models=models,
            limits=limits,
            queue_pairs=queue,
            cache_bytes=cache_mb * 1024 * 1024,
            drain=drain,
            trace=trace,
            trace_texts=trace_texts,
            log_texts=log_texts,
            log_level=log_level,
        )
    )


def _pool_size(knobs: Knobs) -> int:
    """The pool of a search that asks for none; says on standard error what of the file no server follows.

    Raises:
        InvalidInput: The file's `top` lies above it.
    """
    auto = knobs.pool == "auto"
    size = POOL_SIZE if knobs.pool == "auto" else knobs.pool
    if knobs.top > size:
        raise InvalidInput(f"the top is {knobs.top} and the pool {size} ({FILE}, --top, --pool): it must fit the pool")
    left = [key for key in ("threshold", "min-probability") if key in knobs.followed]
    if left or auto:
        said = ", ".join([*(["pool = auto"] if auto else []), *left])
        out = Console(stderr=True, highlight=False)
        out.print(f"a server does not follow these of {FILE}: {said}", style="yellow", markup=False, soft_wrap=True)
    return size
