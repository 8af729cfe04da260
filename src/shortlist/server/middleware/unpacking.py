"""Bodies that a client has packed with gzip."""

from __future__ import annotations

import zlib

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortlist.server.dialects import error_response
from shortlist.server.problems import Kind, Problem

PART_BYTES = 64 * 1024
"""The largest part of an unpacked body that is in memory before the next layer has counted it."""
GZIP_WINDOW = 16 + zlib.MAX_WBITS
PACKED, PLAIN = ("gzip", "x-gzip"), ("", "identity")


class UnpackedBodies:
    """Unpacks bodies with `Content-Encoding: gzip` in small parts, so that the limits behind this layer apply to them.

    Another encoding is refused with code 415, in the dialect of the path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""
        encoding = Headers(scope=scope).get("content-encoding", "").strip().lower() if scope["type"] == "http" else ""
        if encoding in PLAIN:
            await self._app(scope, receive, send)
        elif encoding in PACKED:
            left_out = (b"content-encoding", b"content-length")
            headers = [(name, value) for name, value in scope["headers"] if name.lower() not in left_out]
            await self._app({**scope, "headers": headers}, _Unpacking(receive), send)
        else:
            message = (
                f"the body has the encoding {encoding!r:.60}, which this server does not read: send it with "
                "Content-Encoding gzip, or without an encoding"
            )
            response = error_response(Request(scope), Problem(Kind.UNSUPPORTED, message))
            response.headers["Accept-Encoding"] = PACKED[0]
            await response(scope, receive, send)


class _Unpacking:
    """A `receive` that returns the unpacked body in parts of at most PART_BYTES."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._unpacker = zlib.decompressobj(GZIP_WINDOW)
        self._packed = b""
        self._arrived = self._ended = False

    async def __call__(self) -> Message:
        """Return the next message.

        Raises:
            Problem: The body is not gzip, or is cut off.
        """
        if self._ended:
            return await self._receive()
        while True:
            part = self._next_part()
            if part or self._arrived:
                self._ended = self._arrived and not part
                if self._ended and not self._unpacker.eof:
                    raise Problem(Kind.MALFORMED, "the body in gzip is cut off")
                return {"type": "http.request", "body": part, "more_body": not self._ended}
            message = await self._receive()
            if message["type"] != "http.request":
                self._ended = True
                return message
            self._packed += message.get("body", b"")
            self._arrived = not message.get("more_body", False)

    def _next_part(self) -> bytes:
        if self._unpacker.eof and self._packed:  # a file of several gzip members
            self._unpacker = zlib.decompressobj(GZIP_WINDOW)
        if not self._packed and not self._unpacker.unconsumed_tail:
            return b""
        try:
            part = self._unpacker.decompress(self._packed, PART_BYTES)
        except zlib.error as error:
            raise Problem(Kind.MALFORMED, f"the body is not gzip: {error}") from error
        self._packed = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail
        return part
