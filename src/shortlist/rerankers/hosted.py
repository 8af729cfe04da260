"""A reranker behind HTTP: one client for every vendor of `vendors`."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from shortlist.errors import BadScores, HostedRefused, InvalidInput
from shortlist.http_service import RETRIES, TIMEOUT, Endpoint, HttpService, key_in
from shortlist.rerankers.vendors import Address, parse, with_path
from shortlist.search.rerank import Ranks
from shortlist.text.validation import checked_text, item_name, model_text, model_texts
from shortlist.types import RerankerInfo, Scores

MAX_CONCURRENT = 8
"""The number of requests that a server sends at the same time. This number respects the limits of vendors."""


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
            reports_cuts=False,
            max_concurrent=MAX_CONCURRENT,
        )
        self._vendor, self._model = address.vendor, address.model
        self._max_texts = max_texts or address.vendor.max_texts
        vendor = address.vendor
        endpoint = Endpoint(
            address.name,
            address.url or _base_url(address),
            key_of(address),
            vendor.keys,
            vendor.key_header,
            vendor.headers,
        )
        self._service = HttpService(endpoint, timeout=timeout, retries=retries, sleep=sleep)

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
        query, texts = model_text(checked_text(query)), model_texts(texts)
        if len(texts) > self._max_texts and not self.info.pointwise:
            raise InvalidInput(
                f"{self.info.name} scores a list as a whole and takes {self._max_texts} texts, not {len(texts)}: use a "
                "smaller pool_size"
            )
        scores: list[float] = []
        for start in range(0, len(texts), self._max_texts):
            part = texts[start : start + self._max_texts]
            scores += self._read(self._service.post(self._vendor.body(self._model, query, part)), len(part))
        return Scores(scores)

    def close(self) -> None:
        """Close the connections. Deleting the object also closes them. A closed reranker can be used again."""
        self._service.close()

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
    key = key_in(address.vendor.keys)
    if not key and address.vendor.needs_key:
        raise HostedRefused(f"{address.name} needs a key: set {' or '.join(address.vendor.keys)}")
    return key


def _base_url(address: Address) -> str:
    """The vendor's own URL, or the URL in its environment variable."""
    vendor = address.vendor
    return with_path(os.environ.get(vendor.base_variable, "").strip() or vendor.base, vendor.path)
