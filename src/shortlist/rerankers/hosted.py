"""A reranker behind HTTP: one road for every vendor of `vendors.py`."""

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
from shortlist.search.rerank import rank
from shortlist.text.validation import checked_text, checked_texts
from shortlist.types import Ranked, RerankerInfo, Scores

if TYPE_CHECKING:
    import httpx

TIMEOUT = 30.0
RETRIES = 3
AT_ONCE = 8
"""Calls that a server has under way at a time: few enough for a vendor's own limits."""
FIRST_WAIT = 0.5
"""Seconds before the first retry; each further one waits twice as long."""
LONGEST_WAIT = 60.0
PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses that another try may mend."""
NOT_ALLOWED = frozenset({401, 403, 498})
"""498 is Cohere's for a key that it does not know."""
SHOWN = 200


class HostedReranker:
    """A reranker that another machine runs. Satisfies `protocols.Reranker`; safe to call from several threads.

    Scores are what the vendor returns, in its own unit; `logits` says whether those are logits. The key comes from the
    vendor's usual environment variable and is never shown. `at_once` is how many calls a server makes of it at a time.

    Args:
        name: `vendor:model`, `vendor:URL` or `vendor:model@URL`, such as `cohere:rerank-v3.5`.
        timeout: Seconds to wait for one answer.
        retries: How often one request is sent again after a timeout, a lost connection, or a 429 or 5xx answer.
        most: Texts in one request; the vendor's own limit when None.
        sleep: Called with the seconds to wait between two tries.

    Raises:
        InvalidInput: An unknown vendor, or no model or URL where one is needed.
        HostedRefused: The vendor needs a key and no environment variable holds one.
    """

    def __init__(
        self,
        name: str,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        most: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        address = parse(name)
        if timeout <= 0 or retries < 0 or (most is not None and most < 1):
            raise InvalidInput(
                f"timeout must be above 0, retries 0 or more, most 1 or more: not {timeout}, {retries}, {most}"
            )
        self.name = address.name
        self.info = RerankerInfo(
            address.name,
            pointwise=not address.listwise,
            unit="logit" if address.vendor.logits else "score",
            remote=True,
            max_concurrent=AT_ONCE,
        )
        self._vendor, self._model = address.vendor, address.model
        self._key = key_of(address)
        self._url = address.url or _base(address)
        self._most = most or address.vendor.most
        self._timeout, self._retries, self._sleep = timeout, retries, sleep
        self._client: httpx.Client | None = None
        self._turn = threading.Lock()

    def rank(self, query: str, documents: Iterable[Any], *, top_k: int | None = None) -> list[Ranked]:
        """Return the documents, best first: see `shortlist.rerank`."""
        return rank(query, documents, self, top_k=top_k)

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """The vendor's score of each text, in the order given, higher is better; no texts give an empty list.

        More texts than fit in one request go in several, where scores do not depend on the rest of the list.

        Raises:
            InvalidInput: An empty query, no iterable of strings, or more texts than fit where scores depend on
                the list.
            HostedRefused: The vendor refused the request: key, model, or something in it.
            HostedUnavailable: No answer in time, or the vendor is overloaded or failing, also after the retries.
            BadScores: The answer is no JSON, or has not one finite score for each text.
        """
        asked, given = checked_text(query), checked_texts(texts)
        if len(given) > self._most and not self.info.pointwise:
            raise InvalidInput(
                f"{self.name} scores a list as a whole and takes {self._most} texts, not {len(given)}: ask for a "
                "smaller pool"
            )
        scores: list[float] = []
        for start in range(0, len(given), self._most):
            part = given[start : start + self._most]
            scores += self._read(self._answer(self._vendor.body(self._model, asked, part)), len(part))
        return Scores(scores)

    def close(self) -> None:
        """Closes its connections; they are also closed when the object goes away. It may be used again after it."""
        with self._turn:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _answer(self, body: Mapping[str, Any]) -> Any:
        """The parsed answer to one request, after as many tries as it takes and is allowed."""
        import httpx

        wait, why = 0.0, ""
        for attempt in range(self._retries + 1):
            if attempt:
                self._sleep(wait)
            wait = FIRST_WAIT * 2**attempt
            try:
                answer = self._connected().post(self._url, json=body)
            except httpx.TransportError as error:
                slow = isinstance(error, httpx.TimeoutException)
                why = f"no answer within {self._timeout:g} s" if slow else f"no connection ({type(error).__name__})"
                continue
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                raise HostedRefused(f"{self.name}: the request can't be sent ({type(error).__name__})") from error
            if answer.status_code not in PASSING:
                return self._checked(answer)
            why = f"status {answer.status_code}{self._said(answer)}"
            asked = retry_after(answer.headers.get("Retry-After"))
            if asked is not None and asked > LONGEST_WAIT:
                raise HostedUnavailable(f"{self.name}: {why}; it asks to wait {asked:.0f} s: try again then")
            wait = wait if asked is None else asked
        raise HostedUnavailable(f"{self.name} can't be used now: {why}, after {self._retries + 1} tries")

    def _connected(self) -> httpx.Client:
        """The one client of all threads, made when it is first needed."""
        import httpx

        with self._turn:
            if self._client is None:
                headers = dict(self._vendor.headers)
                if self._key:
                    bearer = self._vendor.key_header == "Authorization"
                    headers[self._vendor.key_header] = f"Bearer {self._key}" if bearer else self._key
                self._client = httpx.Client(timeout=self._timeout, headers=headers)
                weakref.finalize(self, self._client.close)
            return self._client

    def _checked(self, answer: httpx.Response) -> Any:
        """The JSON of an answer that is no passing failure."""
        status = answer.status_code
        if status in NOT_ALLOWED:
            names = " or ".join(self._vendor.keys)
            raise HostedRefused(
                f"{self.name}: status {status}, the key in {names} is missing or not accepted{self._said(answer)}"
            )
        if not answer.is_success:
            raise HostedRefused(f"{self.name}: status {status} from {self._url.split('?')[0]}{self._said(answer)}")
        try:
            return answer.json()
        except ValueError as error:
            raise BadScores(f"{self.name} answered with something that is no JSON{self._said(answer)}") from error

    def _said(self, answer: httpx.Response) -> str:
        """The start of what the vendor wrote, on one line and without the key."""
        text = " ".join(answer.text.split())
        if self._key:
            text = text.replace(self._key, "***")
        return f": {text[:SHOWN]}" if text else ""

    def _read(self, answer: Any, count: int) -> list[float]:
        """One score a text, put back in the order of the request."""
        rows = answer.get(self._vendor.results) if self._vendor.results and isinstance(answer, dict) else answer
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadScores(f"{self.name} answered without a list of results")
        scores: dict[int, float] = {}
        for row in rows:
            place, score = row.get("index"), row.get(self._vendor.score)
            if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < count:
                raise BadScores(f"{self.name} scored text {place!r} of {count}: indexes count from 0")
            if place in scores:
                raise BadScores(f"{self.name} scored text {place} twice")
            if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
                raise BadScores(f"{self.name} gave {score!r} as {self._vendor.score} of text {place}")
            scores[place] = float(score)
        if len(scores) != count:
            lost = next(place for place in range(count) if place not in scores)
            raise BadScores(f"{self.name} returned {len(scores)} scores for {count} texts; text {lost} has none")
        return [scores[place] for place in range(count)]


def key_of(address: Address) -> str:
    """The key from the first of the vendor's variables that is set; "" where none is and none is needed.

    Raises:
        HostedRefused: It is needed and not there, or can't stand in a header.
    """
    vendor = address.vendor
    for variable in vendor.keys:
        key = os.environ.get(variable, "").strip()
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise HostedRefused(f"{variable} holds something that can't be a key: spaces or other odd characters")
        if key:
            return key
    if vendor.needs_key:
        raise HostedRefused(f"{address.name} needs a key: set {' or '.join(vendor.keys)}")
    return ""


def _base(address: Address) -> str:
    """The vendor's own URL, or the one that its environment variable names."""
    vendor = address.vendor
    return with_path(os.environ.get(vendor.base_variable, "").strip() or vendor.base, vendor.path)


def retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks to wait, from a number or a date; None where it says neither."""
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
