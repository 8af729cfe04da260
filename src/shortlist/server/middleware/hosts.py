"""By which names a server may be called: what keeps web pages out of a server on this machine that asks for no key.

A page can have its own domain's name point at 127.0.0.1 (DNS rebinding); the browser then takes this server for the
page's own. The `Host` that the browser sends still says the page's name.
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
from shortlist.server.dialects import refused
from shortlist.server.middleware.keys import OPEN, Keys
from shortlist.server.problems import Kind, Problem

NAME = re.compile(r"[\w.:\[\]-]+", re.ASCII)
"""What names and addresses are written with, ports and the brackets of IPv6 included."""

LOCAL = ("localhost", "127.0.0.1", "::1")


def hosts_of(listen: str, keys: Keys, more: Sequence[str]) -> frozenset[str]:
    """The names to answer to; none means any.

    Only those of this machine and `more` where a server without keys listens on a loopback address, or where there is
    anything in `more`.

    Raises:
        InvalidInput: Something in `more` is no name and no address, such as a whole URL.
    """
    for one in more:
        if not NAME.fullmatch(one) or not _bare(one):
            raise InvalidInput(f"the host {one!r} is no name: give the name alone, such as rerank.example.com")
    if not more and (len(keys) or not _loopback(listen)):
        return frozenset()
    return frozenset(_bare(one) for one in (*LOCAL, listen, *more))


def open_to_others(listen: str, keys: Keys) -> bool:
    """Whether whoever reaches the port from another machine is let in: no key, and no loopback address."""
    return not len(keys) and not _loopback(listen)


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def _bare(host: str) -> str:
    """The host without its port and brackets; "" for what is none."""
    try:
        return urlsplit(f"//{host if host.count(':') < 2 or '[' in host else f'[{host}]'}").hostname or ""
    except ValueError:
        return ""


class HostGate:
    """Refuses requests that call the server by another name than `hosts`; `/health` and `/ready` are open.

    No `hosts` let every name in.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http" or not self._hosts or scope["path"] in OPEN or self._known(scope):
            await self._app(scope, receive, send)
            return
        said = "this server is not called by the name in Host: it is started with --allow-host NAME to answer to more"
        await refused(Request(scope), Problem(Kind.MISDIRECTED, said))(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        return _bare(Headers(scope=scope).get("host", "")) in self._hosts
