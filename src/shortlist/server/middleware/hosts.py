"""The host names that a server accepts. The check protects a local server without API keys from web pages.

A page can let its own domain name point at 127.0.0.1 (DNS rebinding). The browser then treats this server as a part of
the page. The `Host` header still contains the name of the page.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shortlist.errors import InvalidInput
from shortlist.server.dialects import error_response
from shortlist.server.middleware.keys import OPEN_PATHS, Keys
from shortlist.server.problems import Kind, Problem

NAME = re.compile(r"[\w.:\[\]-]+", re.ASCII)
"""The characters of names and addresses, with ports and the brackets of IPv6."""

LOCAL = ("localhost", "127.0.0.1", "::1")


def hosts_of(listen: str, keys: Keys, allowed: Sequence[str]) -> frozenset[str]:
    """Return the names to answer to. An empty set accepts every name.

    If the server has no keys and listens on a loopback address, or if `allowed` is not empty, only these names are
    accepted: the names of this machine, `listen` and `allowed`. Otherwise every name is accepted.

    Raises:
        InvalidInput: A value in `allowed` is not a name or an address, such as a whole URL.
    """
    for name in allowed:
        if not NAME.fullmatch(name) or not _host_name(name):
            raise InvalidInput(f"{name!r} is not a host name: give the name alone, such as rerank.example.com")
    if not allowed and (len(keys) or not _is_loopback(listen)):
        return frozenset()
    return frozenset(_host_name(name) for name in (*LOCAL, listen, *allowed))


def open_to_others(listen: str, keys: Keys) -> bool:
    """Return whether other machines have access without a key: there is no key, and the address is not loopback."""
    return not len(keys) and not _is_loopback(listen)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def _host_name(host: str) -> str:
    """Return the host without its port and brackets, or an empty string if it is not a host."""
    try:
        return urlsplit(f"//{host if host.count(':') < 2 or '[' in host else f'[{host}]'}").hostname or ""
    except ValueError:
        return ""


class HostGate:
    """Refuses requests whose `Host` is not in `hosts`, except for `/health` and `/ready`.

    An empty set accepts every name. Starlette's TrustedHostMiddleware answers 400 in plain text; this layer answers 421
    in the dialect of the path.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""
        if scope["type"] != "http" or not self._hosts or scope["path"] in OPEN_PATHS or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        message = (
            "the Host header of the request has a name that this server does not accept. To accept the name, start "
            "the server with --allow-host NAME"
        )
        await error_response(Request(scope), Problem(Kind.MISDIRECTED, message))(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        return _host_name(Headers(scope=scope).get("host", "")) in self._hosts
