"""API keys, from the environment or a file."""

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
from shortlist.server.dialects import error_response
from shortlist.server.problems import Kind, Problem
from shortlist.server.routes.page import PUBLIC
from shortlist.text.validation import item_name

VARIABLE = "SHORTLIST_API_KEYS"
MIN_LENGTH = 16
OPEN_PATHS = ("/health", "/ready")


class Keys:
    """The accepted keys. Only their hashes are stored. Without keys, every request is accepted.

    Raises:
        InvalidInput: A key is shorter than 16 characters, or has characters that no header can carry.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        for place, key in enumerate(keys):
            name = item_name("API key", place, len(keys))
            if len(key) < MIN_LENGTH:
                raise InvalidInput(f"{name} has {len(key)} characters: use at least {MIN_LENGTH}")
            if not key.isascii() or any(character.isspace() for character in key):
                raise InvalidInput(f"{name} contains a space or a character that is not ASCII: use neither")
        self._hashes = [_hashed(key) for key in keys]

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._hashes)

    def accepts(self, key: str) -> bool:
        """Return whether `key` is an accepted key. The time does not depend on the key."""
        given = _hashed(key)
        matches = [hmac.compare_digest(given, accepted) for accepted in self._hashes]
        return any(matches)


def read_keys(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Keys:
    """Return the keys of `SHORTLIST_API_KEYS` (separated by commas or spaces) and of `file`.

    The file has one key a line, and comments after #.

    Raises:
        InvalidInput: The file cannot be read or contains no key, or a key cannot be used: see `Keys`.
    """
    variables = os.environ if environment is None else environment
    keys = variables.get(VARIABLE, "").replace(",", " ").split()
    if file is not None:
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"the key file {file} cannot be read: {error}") from error
        file_keys = [line for line in lines if line and not line.startswith("#")]
        if not file_keys:
            raise InvalidInput(f"the key file {file} contains no key: write one key a line")
        keys += file_keys
    return Keys(keys)


class KeyGate:
    """Refuses requests without a key, in the dialect of their path. `/health`, `/ready` and the page need no key.

    A request sends its key as `Authorization: Bearer KEY`, `X-API-Key` or `Api-Key`.
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""
        if scope["type"] != "http" or not len(self._keys) or _is_open(scope) or self._keys.accepts(_given_key(scope)):
            await self._app(scope, receive, send)
            return
        message = "this server needs an API key: send it as Authorization: Bearer KEY"
        if _given_key(scope):
            message = "this server does not know this API key"
        await error_response(Request(scope), Problem(Kind.UNAUTHORIZED, message))(scope, receive, send)


def _is_open(scope: Scope) -> bool:
    """Return whether the path is a health check, or a file that the browser loads before the page can have a key."""
    return scope["path"] in OPEN_PATHS or (scope["path"] in PUBLIC and scope["method"] in {"GET", "HEAD"})


def _given_key(scope: Scope) -> str:
    headers = Headers(scope=scope)
    kind, _, key = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key", "") or headers.get("api-key", "")


def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
