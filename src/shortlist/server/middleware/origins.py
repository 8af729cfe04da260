"""Pages of other origins that may use the server from a browser (CORS)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from shortlist.errors import InvalidInput
from shortlist.server.middleware.keys import Keys

ANY = "*"
METHODS = ("GET", "POST")
REQUEST_HEADERS = ("authorization", "content-type", "content-encoding", "x-api-key", "api-key", "traceparent")
ANSWER_HEADERS = ("x-request-id", "retry-after")
SECONDS = 600
"""How long a browser may keep the answer of a preflight request."""


def origins_of(given: Sequence[str], keys: Keys) -> tuple[str, ...]:
    """Return the origins that may use the server, without a slash at the end.

    Raises:
        InvalidInput: An origin has another form than `https://name` or `https://name:port`, or every origin is allowed
            and the server has no keys.
    """
    origins = tuple(origin.strip().rstrip("/") for origin in given)
    for origin in origins:
        if origin == ANY:
            continue
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise InvalidInput(
                f"allow_origins has {origin!r:.80}: write an origin such as https://app.example.com, without a path",
                field="allow_origins",
            )
    if ANY in origins and not len(keys):
        raise InvalidInput(
            "allow_origins allows every origin, and the server has no keys: any web page could use the server. Set "
            "keys, or name the origins",
            field="allow_origins",
        )
    return origins


def cross_origin(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Return the application with answers to preflight requests, and with the headers that let these origins read."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        expose_headers=ANSWER_HEADERS,
        max_age=SECONDS,
    )
