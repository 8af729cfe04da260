"""`shortlist serve` from its options on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shortlist.errors import InvalidInput
from shortlist.registry import Settings
from shortlist.server.app import create_app
from shortlist.server.batching.batcher import QUEUE_PAIRS
from shortlist.server.batching.cache import CACHE_BYTES
from shortlist.server.build import Wanted, build
from shortlist.server.middleware.hosts import hosts_of, open_to_others
from shortlist.server.middleware.keys import read_keys
from shortlist.server.middleware.logs import make_log, say
from shortlist.server.middleware.tracing import make_provider
from shortlist.server.operations import Operations
from shortlist.server.run import Listening, run
from shortlist.server.settings import ServerSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line can say; see `shortlist serve --help`."""

    index: Path | None = None
    queries: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8800
    api_keys: Path | None = None
    allow_hosts: tuple[str, ...] = ()
    models: Settings = field(default_factory=Settings)
    limits: ServerSettings = field(default_factory=ServerSettings)
    queue_pairs: int = QUEUE_PAIRS
    cache_bytes: int = CACHE_BYTES
    drain: float = 0.0
    trace: bool = False
    trace_texts: bool = False
    log_texts: bool = False
    log_level: str = "info"


def start(options: Options) -> None:
    """Opens, loads, listens and serves until told to stop.

    Raises:
        InvalidInput: Options that don't go together, or a bad API key.
        FolderError: The index can't be opened.
        ModelError: A model can't be loaded.
        MissingExtra: Tracing was asked for and its extra is not installed.
    """
    if options.trace_texts and not options.trace:
        raise InvalidInput("queries and passages can only go into spans that are made: ask for --trace as well")
    keys = read_keys(options.api_keys)
    provider = make_provider(options.limits.max_documents) if options.trace else None
    logger = make_log(texts=options.log_texts, level=options.log_level)
    if open_to_others(options.host, keys):
        said = "no API keys on an address that is not loopback: whoever reaches the port can search and rerank"
        say(logger, said, logging.WARNING, host=options.host)
    operations = Operations(
        keys=keys,
        hosts=hosts_of(options.host, keys, options.allow_hosts),
        logger=logger,
        tracer=provider.get_tracer("shortlist") if provider else None,
    )
    built = build(_wanted(options, operations), operations.metrics)
    operations.well = built.well
    say(logger, "loaded", host=options.host, port=options.port, keys=len(keys), searches=options.index is not None)
    listening = Listening(options.host, options.port, options.drain)
    run(create_app(built.parts), operations, listening, _closing(built.close, provider))


def _wanted(options: Options, operations: Operations) -> Wanted:
    return Wanted(
        index=options.index,
        queries=options.queries,
        models=options.models,
        limits=options.limits,
        queue_pairs=options.queue_pairs,
        cache_bytes=options.cache_bytes,
        tracer=operations.tracer,
        texts_in_spans=options.trace_texts,
        texts_in_log=operations.logger if options.log_texts else None,
    )


def _closing(close: Callable[[], None], provider: TracerProvider | None) -> Callable[[], None]:
    def all_of_it() -> None:
        close()
        if provider is not None:
            provider.shutdown()

    return all_of_it
