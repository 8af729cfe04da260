"""A reranker behind HTTP: one client for every vendor of `vendors`.

The retries are a plain loop. The usual library, stamina, accepts no `sleep` function, and hides the waits in its test
mode. The loop must also end early if a vendor requests a longer wait than `LONGEST_WAIT`.
"""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from shortlist.errors import BadScores, HostedRefused, HostedUnavailable, InvalidInput
from shortlist.rerankers.vendors import Address, parse, with_path
from shortlist.search.rerank import Ranks
from shortlist.text.validation import checked_text, checked_texts, item_name
from shortlist.types import RerankerInfo, Scores

if TYPE_CHECKING:
    import httpx

TIMEOUT = 30.0
RETRIES = 3
MAX_CONCURRENT = 8
"""The number of requests that a server sends at the same time. This number respects the limits of vendors."""
FIRST_WAIT = 0.5
"""Seconds before the first retry. Each further wait is twice as long."""
LONGEST_WAIT = 60.0
TRANSIENT = frozenset({429, 500, 502, 503, 504})
"""Statuses after which another attempt may succeed."""
KEY_REFUSED = frozenset({401, 403, 498})
"""Cohere returns 498 for an unknown key."""
SHOWN = 200
"""The most characters of a vendor's answer in an error message."""


class HostedReranker(Ranks):
    """A reranker that another machine runs. Satisfies `protocols.Reranker`; safe to call from several threads.

    Scores are in the vendor's own unit; `info.unit` tells whether they are logits. The key is read from the vendor's
    usual environment variable and never shown.

    Args:
        name: `vendor:model`, `vendor:URL` or `vendor:model@URL`, such as `cohere:rerank-v3.5`.
        timeout: Seconds to wait for one answer.
        retries: The number of repeated requests after a timeout, a lost connection, or a status 429 or 5xx.
        max_texts: Texts in one request. None: the vendor's own limit.
        sleep: A function that waits for a number of seconds between two attempts.

    Raises:
        InvalidInput: An unknown vendor, a missing model or URL, or an argument out of range.
        HostedRefused: The vendor needs a key, and its environment variable is not set.
    """

    def __init__(
        self,
        name: str,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        max_texts: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        address = parse(name)
        if timeout <= 0 or retries < 0 or (max_texts is not None and max_texts < 1):
            raise InvalidInput(
                "timeout must be above 0, retries 0 or more, and max_texts 1 or more, not "
                f"{timeout}, {retries} and {max_texts}"
            )
        self.info = RerankerInfo(
            address.name,
            pointwise=not address.listwise,
            unit="logit" if address.vendor.logits else "score",
            remote=True,
            max_concurrent=MAX_CONCURRENT,
        )
        self._vendor, self._model = address.vendor, address.model
        self._key = key_of(address)
        self._url = address.url or _base_url(address)
        self._max_texts = max_texts or address.vendor.max_texts
        self._timeout, self._retries, self._sleep = timeout, retries, sleep
        self._client: httpx.Client | None = None
        self._client_lock = threading.Lock()

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """Return the vendor's score of each text, in the order given; higher is better. No texts send no request.

        If scores do not depend on the rest of the list, more texts than fit into one request are sent in several.

        Raises:
            InvalidInput: An empty query, texts that are not an iterable of strings, or more texts than fit into one
                request if scores depend on the list.
            HostedRefused: The vendor refused the key, the model, or another part of the request.
            HostedUnavailable: The vendor did not answer in time, or was overloaded or failing, after all retries.
            BadScores: The answer is not JSON, or does not have one finite score for each text.
        """
        query, texts = checked_text(query), checked_texts(texts)
        if len(texts) > self._max_texts and not self.info.pointwise:
            raise InvalidInput(
                f"{self.info.name} scores a list as a whole and takes {self._max_texts} texts, not {len(texts)}: use a "
                "smaller pool_size"
            )
        scores: list[float] = []
        for start in range(0, len(texts), self._max_texts):
            part = texts[start : start + self._max_texts]
            scores += self._read(self._answer(self._vendor.body(self._model, query, part)), len(part))
        return Scores(scores)

    def close(self) -> None:
        """Close the connections. Deleting the object also closes them. A closed reranker can be used again."""
        with self._client_lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _answer(self, body: Mapping[str, Any]) -> Any:
        """The parsed answer to one request, after retries if necessary."""
        import httpx

        wait, failure = 0.0, ""
        for attempt in range(self._retries + 1):
            if attempt:
                self._sleep(wait)
            wait = FIRST_WAIT * 2**attempt
            try:
                response = self._connected().post(self._url, json=body)
            except httpx.TimeoutException:
                failure = f"no answer within {self._timeout:g} s"
                continue
            except httpx.TransportError as error:
                failure = f"no connection ({type(error).__name__})"
                continue
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                raise HostedRefused(f"{self.info.name}: the request cannot be sent ({type(error).__name__})") from error
            if response.status_code not in TRANSIENT:
                return self._parsed(response)
            failure = f"status {response.status_code}{self._shown(response)}"
            requested = retry_after(response.headers.get("Retry-After"))
            if requested is not None and requested > LONGEST_WAIT:
                raise HostedUnavailable(
                    f"{self.info.name}: {failure}; the vendor requests a wait of {requested:.0f} s: try again after it"
                )
            wait = wait if requested is None else requested
        raise HostedUnavailable(f"{self.info.name} is not available: {failure}, after {self._retries + 1} attempts")

    def _connected(self) -> httpx.Client:
        """The client that all threads share, made at its first use."""
        import httpx

        with self._client_lock:
            if self._client is None:
                headers = dict(self._vendor.headers)
                if self._key:
                    bearer = self._vendor.key_header == "Authorization"
                    headers[self._vendor.key_header] = f"Bearer {self._key}" if bearer else self._key
                self._client = httpx.Client(timeout=self._timeout, headers=headers)
                weakref.finalize(self, self._client.close)
            return self._client

    def _parsed(self, response: httpx.Response) -> Any:
        """The JSON of a response whose status is not transient."""
        status = response.status_code
        if status in KEY_REFUSED:
            names = " or ".join(self._vendor.keys)
            raise HostedRefused(
                f"{self.info.name}: status {status}, the key in {names} is missing or not accepted"
                f"{self._shown(response)}"
            )
        if not response.is_success:
            url = self._url.split("?")[0]
            raise HostedRefused(f"{self.info.name}: status {status} from {url}{self._shown(response)}")
        try:
            return response.json()
        except ValueError as error:
            raise BadScores(f"{self.info.name} returned an answer that is not JSON{self._shown(response)}") from error

    def _shown(self, response: httpx.Response) -> str:
        """The start of the vendor's text, on one line and without the key."""
        text = " ".join(response.text.split())
        if self._key:
            text = text.replace(self._key, "***")
        return f": {text[:SHOWN]}" if text else ""

    def _read(self, answer: Any, count: int) -> list[float]:
        """One score for each text, in the order of the request."""
        name, field = self.info.name, self._vendor.score
        rows = answer.get(self._vendor.results) if self._vendor.results and isinstance(answer, dict) else answer
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadScores(f"{name} returned an answer without a list of results")
        scores: dict[int, float] = {}
        for row in rows:
            place, score = row.get("index"), row.get(field)
            if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < count:
                raise BadScores(
                    f"{name} returned the index {place!r} for {count} texts: an index is a whole number from 0 to "
                    f"{count - 1}"
                )
            if place in scores:
                raise BadScores(f"{name} scored {item_name('text', place, count)} twice")
            if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
                raise BadScores(f"{name} returned {score!r} as {field} of {item_name('text', place, count)}")
            scores[place] = float(score)
        if len(scores) != count:
            missing = next(place for place in range(count) if place not in scores)
            raise BadScores(f"{name} returned {len(scores)} scores; {item_name('text', missing, count)} has none")
        return [scores[place] for place in range(count)]


def key_of(address: Address) -> str:
    """Return the key from the vendor's first variable that is set, or an empty string if no key is set or needed.

    Raises:
        HostedRefused: A needed key is missing, or the key cannot be sent in a header.
    """
    vendor = address.vendor
    for variable in vendor.keys:
        key = os.environ.get(variable, "").strip()
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise HostedRefused(f"{variable} is not a valid key: it contains spaces or other unusual characters")
        if key:
            return key
    if vendor.needs_key:
        raise HostedRefused(f"{address.name} needs a key: set {' or '.join(vendor.keys)}")
    return ""


def _base_url(address: Address) -> str:
    """The vendor's own URL, or the URL in its environment variable."""
    vendor = address.vendor
    return with_path(os.environ.get(vendor.base_variable, "").strip() or vendor.base, vendor.path)


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
