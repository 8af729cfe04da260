"""Requests in JSON to a store over HTTP, with the errors of every vendor as ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from shortlist.errors import StoreRefused, StoreUnreachable

TIMEOUT = 30.0
RETRIES = 2
FIRST_WAIT = 0.5
"""Seconds before the first retry. The second wait is twice as long."""
LONGEST_WAIT = 5.0
"""The longest wait in seconds that a store may request. A search cannot wait longer."""
TRANSIENT = frozenset({429, 502, 503, 504})
"""Statuses after which another attempt may succeed."""
KEY_REFUSED = frozenset({401, 403})
SHOWN = 300
"""The most characters of a store's answer in an error message."""


class NotFound(StoreRefused):
    """The address does not exist: no such index, collection or row."""


class HttpApi:
    """A store over HTTP. Safe to call from several threads.

    Args:
        name: The name of the store, for messages.
        client: The client with the address of the server, and its headers.
        key_hint: How the user sets the key, for messages.
        sleep: A function that waits for a number of seconds before a retry.
        base: The address of the server, if the client has none.
    """

    def __init__(
        self,
        name: str,
        client: httpx.Client,
        key_hint: str,
        sleep: Callable[[float], None] = time.sleep,
        base: str = "",
    ) -> None:
        self._name, self._client, self._key_hint, self._sleep, self._base = name, client, key_hint, sleep, base

    def send(self, method: str, path: str, body: Any = None, lines: Sequence[Any] = ()) -> Any:
        """Return the parsed answer to a request.

        Args:
            method: The method of HTTP.
            path: The path, with its query.
            body: The value to send as JSON; None sends no body.
            lines: The values to send as lines of JSON, in place of `body`.

        Raises:
            NotFound: The status 404.
            StoreUnreachable: No answer, or the server is overloaded after all retries.
            StoreRefused: The key or the request is refused, or the answer is not JSON.
        """
        content, headers = _content(body, lines)
        failure = ""
        for attempt in range(RETRIES + 1):
            try:
                response = self._client.request(method, self._base + path, content=content, headers=headers)
            except httpx.TransportError as error:
                address = self._base or self._client.base_url.copy_with(username=None, password=None)
                raise StoreUnreachable(
                    f"{self._name} does not answer at {address} ({type(error).__name__}): start the server, or correct "
                    "the address"
                ) from error
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                raise StoreRefused(f"{self._name}: the request cannot be sent ({type(error).__name__})") from error
            if response.status_code not in TRANSIENT:
                return self._parsed(response)
            failure = f"status {response.status_code}{_message(response)}"
            wait = _requested_wait(response, FIRST_WAIT * 2**attempt)
            if wait > LONGEST_WAIT:
                raise StoreUnreachable(f"{self._name}: {failure}; the store requests a wait of {wait:.0f} s")
            if attempt < RETRIES:
                self._sleep(wait)
        raise StoreUnreachable(f"{self._name} is overloaded: {failure}, after {RETRIES + 1} attempts: try again later")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _parsed(self, response: httpx.Response) -> Any:
        status = response.status_code
        if status in KEY_REFUSED:
            raise StoreRefused(
                f"{self._name}: status {status}, the key is missing or not accepted: {self._key_hint}"
                f"{_message(response)}"
            )
        if not response.is_success:
            kind = NotFound if status == httpx.codes.NOT_FOUND else StoreRefused
            raise kind(f"{self._name} refused the request: status {status}{_message(response)}")
        try:
            return response.json()
        except ValueError as error:
            raise StoreRefused(f"{self._name} returned an answer that is not JSON{_message(response)}") from error


def _content(body: Any, lines: Sequence[Any]) -> tuple[bytes | None, dict[str, str]]:
    if lines:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        return text.encode(), {"Content-Type": "application/x-ndjson"}
    if body is None:
        return None, {}
    return json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"}


def _requested_wait(response: httpx.Response, usual: float) -> float:
    """Return the seconds of the header Retry-After, or the usual wait."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", usual)))
    except ValueError:
        return usual


def _message(response: httpx.Response) -> str:
    """Return the reason in the answer of a vendor, on one line."""
    try:
        value = response.json()
    except ValueError:
        value = response.text
    text = " ".join(error_text(value).split())[:SHOWN]
    return f": {text}" if text else ""


def error_text(value: Any) -> str:
    """Return the reason in an error of Elasticsearch, OpenSearch or Pinecone."""
    if isinstance(value, Mapping):
        causes = value.get("root_cause")
        if isinstance(causes, list) and causes:
            return error_text(causes[0])
        for name in ("error", "reason", "message"):
            if value.get(name):
                return error_text(value[name])
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
