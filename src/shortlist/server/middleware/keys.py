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
from shortlist.server.access import ACCESS
from shortlist.server.dialects import error_response
from shortlist.server.problems import Kind, Problem
from shortlist.server.routes.page import PUBLIC
from shortlist.text.validation import item_name

VARIABLE = "SHORTLIST_API_KEYS"
MIN_LENGTH = 16
OPEN_PATHS = ("/health", "/ready")


class Keys:
    """The accepted keys. Only their hashes are stored. Without keys, every request is accepted.

    `collections` maps a key to the names of the collections that it may search. The other keys may search all.

    Raises:
        InvalidInput: A key is shorter than 16 characters, or has characters that no header can carry.
    """

    def __init__(self, keys: Sequence[str], collections: Mapping[str, frozenset[str]] | None = None) -> None:
        for place, key in enumerate(keys):
            name = item_name("API key", place, len(keys))
            if len(key) < MIN_LENGTH:
                raise InvalidInput(f"{name} has {len(key)} characters: use at least {MIN_LENGTH}")
            if not key.isascii() or any(character.isspace() for character in key):
                raise InvalidInput(f"{name} contains a space or a character that is not ASCII: use neither")
        self._hashes = [_hashed(key) for key in keys]
        self._collections = {_hashed(key): names for key, names in (collections or {}).items()}

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._hashes)

    def accepts(self, key: str) -> bool:
        """Return whether `key` is an accepted key. The time does not depend on the key."""
        given = _hashed(key)
        matches = [hmac.compare_digest(given, accepted) for accepted in self._hashes]
        return any(matches)

    def collections(self, key: str) -> frozenset[str] | None:
        """Return the names of the collections that an accepted key may search, or None for all of them."""
        return self._collections.get(_hashed(key))

    def check(self, names: Sequence[str]) -> None:
        """Check that the keys name no other collections than these.

        Raises:
            InvalidInput: A key names another one.
        """
        unknown = sorted({name for own in self._collections.values() for name in own} - set(names))
        if unknown:
            known = f"the collections are {', '.join(names)}" if names else "this server has no named collection"
            raise InvalidInput(f"an API key names the collection {unknown[0]!r}: {known}")


def read_keys(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Keys:
    """Return the keys of `SHORTLIST_API_KEYS` (separated by commas or spaces) and of `file`.

    The file has one key a line, and comments after #. After a key and a space, the line may name the collections that
    the key may search, with commas between them. The keys of the variable may search all collections.

    Raises:
        InvalidInput: The file cannot be read or contains no key, a key cannot be used (see `Keys`), or a key is given
            twice with different collections.
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
        own, collections = _limited(file_keys, file)
        repeated = next((key for key in keys if key in collections), None)
        if repeated is not None:
            raise InvalidInput(f"{VARIABLE} and the key file {file} have one key, with and without collections")
        return Keys([*keys, *own], collections)
    return Keys(keys)


def _limited(lines: Sequence[str], file: Path) -> tuple[list[str], dict[str, frozenset[str]]]:
    """The keys of the lines of a file, and the collections of those that name some."""
    given: dict[str, frozenset[str] | None] = {}
    for place, line in enumerate(lines):
        key, names = (*line.split(None, 1), "")[:2]
        chosen = frozenset(name.strip() for name in names.split(",") if name.strip()) if names.strip() else None
        if chosen is not None and any(" " in name for name in chosen):
            raise InvalidInput(
                f"{item_name('key', place, len(lines))} of the key file {file}: put commas between the collections, as "
                "in KEY docs,faq"
            )
        if given.setdefault(key, chosen) != chosen:
            raise InvalidInput(f"the key file {file} has one key twice, with different collections")
    return list(given), {key: names for key, names in given.items() if names is not None}


class KeyGate:
    """Refuses requests without a key, in the dialect of their path. `/health`, `/ready` and the page need no key.

    `access.ACCESS` has the collections of the key while the application answers.

    A request sends its key as `Authorization: Bearer KEY`, `X-API-Key` or `Api-Key`.
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""
        if scope["type"] != "http" or not len(self._keys) or _is_open(scope):
            await self._app(scope, receive, send)
            return
        if self._keys.accepts(_given_key(scope)):
            token = ACCESS.set(self._keys.collections(_given_key(scope)))
            try:
                await self._app(scope, receive, send)
            finally:
                ACCESS.reset(token)
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
