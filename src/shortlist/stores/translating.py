"""The errors of clients as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from shortlist.errors import ShortlistError, StoreRefused, StoreUnreachable

SHOWN = 300
"""The most characters of a client's message in an error message."""
LOST: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, httpx.TransportError)
"""The errors of every client that uses sockets or httpx."""


@contextmanager
def translated(
    store: str, unreachable: tuple[type[Exception], ...] = (), where: str = "", key: str = ""
) -> Iterator[None]:
    """Raise the errors of a client as ours: those of a lost connection and `unreachable`, and all others.

    Clients raise errors of many kinds, some of them `Exception` itself. `where` is the address for the message, and
    `key` the environment variable with the key.

    Raises:
        StoreUnreachable: No answer, or no answer in time.
        StoreRefused: Any other error of the client.
    """
    try:
        yield
    except ShortlistError:
        raise
    except LOST + unreachable as error:
        place = f" at {where}" if where else ""
        raise StoreUnreachable(
            f"{store} does not answer{place} ({shown(error)}): start the server, or correct the address"
        ) from error
    except Exception as error:
        hint = f"; set {key} to a valid key" if key and _is_about_the_key(error) else ""
        raise StoreRefused(f"{store} refused the request: {shown(error)}{hint}") from error


def _is_about_the_key(error: Exception) -> bool:
    text = f"{type(error).__name__} {error}".lower()
    return any(word in text for word in ("unauthorized", "forbidden", "api key", "autherror", "authorizationerror"))


def shown(error: BaseException) -> str:
    """Return the type and the start of the message of an error, on one line."""
    text = " ".join(str(error).split())[:SHOWN]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
