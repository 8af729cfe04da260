"""`shortlist serve`, from its options to its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shortlist.errors import InvalidInput
from shortlist.mcp import require_sdk
from shortlist.server.app import create_app
from shortlist.server.build import build
from shortlist.server.middleware.hosts import hosts_of, open_to_others
from shortlist.server.middleware.keys import read_keys
from shortlist.server.middleware.logs import log_event, make_log
from shortlist.server.middleware.origins import origins_of
from shortlist.server.middleware.tracing import make_provider
from shortlist.server.operations import Operations
from shortlist.server.options import ServeOptions
from shortlist.server.run import check_address, run

if TYPE_CHECKING:
    pass


def start(options: ServeOptions) -> None:
    """Open the index, load the models, listen, and serve until a signal stops the server.

    Raises:
        ShortlistError: The server cannot listen on the address.
        InvalidInput: Options that contradict each other, or an API key that cannot be used.
        FolderError: The index cannot be opened.
        StoreError: The store cannot be opened.
        ModelError: A model cannot be loaded.
        MissingExtra: `trace` or `mcp` is set, and its extra is not installed.
    """
    if options.trace_texts and not options.trace:
        raise InvalidInput("trace_texts puts texts into spans, and there are no spans: also set trace (--trace)")
    keys = read_keys(options.api_keys)
    origins = origins_of(options.allow_origins, keys)
    if options.mcp:
        require_sdk()
    check_address(options.host, options.port)
    provider = make_provider(options.limits.max_documents) if options.trace else None
    logger = make_log(texts=options.log_texts, level=options.log_level)
    if open_to_others(options.host, keys):
        warning = "no API keys on an address that is not loopback: whoever reaches the port can search and rerank"
        log_event(logger, warning, logging.WARNING, host=options.host)
    operations = Operations(
        keys=keys,
        hosts=hosts_of(options.host, keys, options.allow_hosts),
        origins=origins,
        logger=logger,
        tracer=provider.get_tracer("shortlist") if provider else None,
    )
    components = build(options, operations)
    try:
        keys.check(() if components.collections is None else components.collections.names)
    except InvalidInput:
        components.close()
        raise
    operations.alive = components.alive
    searches = components.search is not None
    log_event(logger, "loaded", host=options.host, port=options.port, keys=len(keys), searches=searches)

    def close() -> None:
        components.close()
        if provider is not None:
            provider.shutdown()

    run(create_app(components, mcp=options.mcp), operations, options, close)
