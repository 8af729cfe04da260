"""A model behind HTTP: one request in JSON, with retries, for every hosted reranker and bi-encoder.

The retries are a plain loop. The usual library, stamina, accepts no `sleep` function, and hides the waits in its test
mode. The loop must also end early if a service requests a longer wait than `LONGEST_WAIT`.
"""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from shortlist.errors import BadScores, HostedRefused, HostedUnavailable

if TYPE_CHECKING:
    import httpx

TIMEOUT = 30.0
RETRIES = 3
FIRST_WAIT = 0.5
"""Seconds before the first retry. Each further wait is twice as long."""
LONGEST_WAIT = 60.0
TRANSIENT = frozenset({429, 500, 502, 503, 504})
"""Statuses after which another attempt may succeed."""
KEY_REFUSED = frozenset({401, 403, 498})
"""Cohere returns 498 for an unknown key."""
SHOWN = 200
"""The most characters of a service's answer in an error message."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is, and how it is called.

    Args:
        name: The name of the model, for messages.
        url: The whole URL.
        key: The key, or "" without one. It is never shown.
        key_names: The environment variables that may hold the key, for messages.
        key_header: The header for the key. "Authorization" sends it as a bearer token.
        headers: Further headers of every request.
    """

    name: str
    url: str
    key: str = field(default="", repr=False)
    key_names: Sequence[str] = ()
    key_header: str = "Authorization"
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpService:
    """A client of one endpoint. Safe to call from several threads.

    `timeout` is in seconds for one answer. `retries` is the number of repeated requests after a timeout, a lost
    connection, or a status 429 or 5xx. `sleep` waits for a number of seconds between two attempts.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._timeout, self._retries, self._sleep = timeout, retries, sleep
        self._client: httpx.Client | None = None
        self._client_lock = threading.Lock()

    def close(self) -> None:
        """Close the connections. Deleting the object also closes them. A closed service can be used again."""
        with self._client_lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def post(self, body: Mapping[str, Any]) -> Any:
        """Return the parsed answer to one request, after retries if necessary.

        Raises:
            HostedRefused: The service refused the key, the model, or another part of the request.
            HostedUnavailable: The service did not answer in time, or was overloaded or failing, after all retries.
            BadScores: The answer is not JSON.
        """
        import httpx

        name = self._endpoint.name
        wait, failure = 0.0, ""
        for attempt in range(self._retries + 1):
            if attempt:
                self._sleep(wait)
            wait = FIRST_WAIT * 2**attempt
            try:
                response = self._connected().post(self._endpoint.url, json=body)
            except httpx.TimeoutException:
                failure = f"no answer within {self._timeout:g} s"
                continue
            except httpx.TransportError as error:
                failure = f"no connection ({type(error).__name__})"
                continue
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                raise HostedRefused(f"{name}: the request cannot be sent ({type(error).__name__})") from error
            if response.status_code not in TRANSIENT:
                return self._parsed(response)
            failure = f"status {response.status_code}{self._shown(response)}"
            requested = retry_after(response.headers.get("Retry-After"))
            if requested is not None and requested > LONGEST_WAIT:
                raise HostedUnavailable(
                    f"{name}: {failure}; the vendor requests a wait of {requested:.0f} s: try again after it"
                )
            wait = wait if requested is None else requested
        raise HostedUnavailable(f"{name} is not available: {failure}, after {self._retries + 1} attempts")

    def _connected(self) -> httpx.Client:
        """The client that all threads share, made at its first use."""
        import httpx

        with self._client_lock:
            if self._client is None:
                endpoint = self._endpoint
                headers = dict(endpoint.headers)
                if endpoint.key:
                    bearer = endpoint.key_header == "Authorization"
                    headers[endpoint.key_header] = f"Bearer {endpoint.key}" if bearer else endpoint.key
                self._client = httpx.Client(timeout=self._timeout, headers=headers)
                weakref.finalize(self, self._client.close)
            return self._client

    def _parsed(self, response: httpx.Response) -> Any:
        """The JSON of a response whose status is not transient."""
        name, status = self._endpoint.name, response.status_code
        if status in KEY_REFUSED:
            names = " or ".join(self._endpoint.key_names)
            raise HostedRefused(
                f"{name}: status {status}, the key in {names} is missing or not accepted{self._shown(response)}"
            )
        if not response.is_success:
            url = self._endpoint.url.split("?")[0]
            raise HostedRefused(f"{name}: status {status} from {url}{self._shown(response)}")
        try:
            return response.json()
        except ValueError as error:
            raise BadScores(f"{name} returned an answer that is not JSON{self._shown(response)}") from error

    def _shown(self, response: httpx.Response) -> str:
        """The start of the service's text, on one line and without the key."""
        text = " ".join(response.text.split())
        if self._endpoint.key:
            text = text.replace(self._endpoint.key, "***")
        return f": {text[:SHOWN]}" if text else ""


def key_in(variables: Sequence[str]) -> str:
    """Return the key from the first environment variable that is set, or an empty string.

    Raises:
        HostedRefused: The key cannot be sent in a header.
    """
    for variable in variables:
        key = os.environ.get(variable, "").strip()
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise HostedRefused(f"{variable} is not a valid key: it contains spaces or other unusual characters")
        if key:
            return key
    return ""


def retry_after(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header, from a number or a date; None without a header of either form."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
