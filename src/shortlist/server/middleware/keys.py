"""Who may ask: API keys from the environment or a file."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shortlist.errors import InvalidInput
from shortlist.server.dialects import refused
from shortlist.server.problems import Kind, Problem
from shortlist.server.routes.page import PUBLIC

VARIABLE = "SHORTLIST_API_KEYS"
SHORTEST = 16
OPEN = ("/health", "/ready")


class Keys:
    """The keys that are let in; none of them is kept, only their hashes. No keys let everybody in.

    Raises:
        InvalidInput: A key is shorter than 16 characters, or has characters that no header can hold.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        for place, key in enumerate(keys, start=1):
            if len(key) < SHORTEST:
                raise InvalidInput(f"API key {place} has {len(key)} characters: give at least {SHORTEST}")
            if not key.isascii() or any(one.isspace() for one in key):
                raise InvalidInput(f"API key {place} holds a space or a character beyond ASCII: no header can carry it")
        self._held = [_hashed(key) for key in keys]

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._held)

    def accepts(self, key: str) -> bool:
        """Whether `key` is one of them; takes the same time whichever it is, or none."""
        given = _hashed(key)
        matches = [hmac.compare_digest(given, one) for one in self._held]
        return any(matches)


def read_keys(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Keys:
    """The keys of `SHORTLIST_API_KEYS` (separated by commas or spaces) and of `file` (one a line, # for comments).

    Raises:
        InvalidInput: The file can't be read or holds no key, or a key is bad as `Keys` says.
    """
    held = os.environ if environment is None else environment
    found = held.get(VARIABLE, "").replace(",", " ").split()
    if file is not None:
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"the key file {file} can't be read: {error}") from error
        listed = [line for line in lines if line and not line.startswith("#")]
        if not listed:
            raise InvalidInput(f"the key file {file} holds no key: write one a line")
        found += listed
    return Keys(found)


class KeyGate:
    """Refuses requests without a key, in the dialect of their path. `/health`, `/ready` and the page itself are open.

    The key comes as `Authorization: Bearer KEY`, or as `X-API-Key` or `Api-Key`.
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http" or not len(self._keys) or _open(scope) or self._keys.accepts(_given(scope)):
            await self._app(scope, receive, send)
            return
        said = "this server wants an API key: send it as Authorization: Bearer KEY"
        if _given(scope):
            said = "this API key is not one that the server knows"
        await refused(Request(scope), Problem(Kind.UNAUTHORIZED, said))(scope, receive, send)


def _open(scope: Scope) -> bool:
    """Health checks, and what a browser loads before a person could give the page a key; none of it is data."""
    return scope["path"] in OPEN or (scope["path"] in PUBLIC and scope["method"] in {"GET", "HEAD"})


def _given(scope: Scope) -> str:
    headers = Headers(scope=scope)
    kind, _, key = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key", "") or headers.get("api-key", "")


def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
