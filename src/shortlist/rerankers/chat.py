"""A chat model as a listwise reranker: `openai-list:MODEL` or `openai-list:MODEL@URL`, for any compatible API.

Sources:
    The method: `rerankers.permutations`. The API: https://platform.openai.com/docs/api-reference/chat/create (read in
    November 2026).
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shortlist import openai_api
from shortlist.errors import BadScores, HostedRefused, InvalidInput
from shortlist.http_service import RETRIES, Endpoint, HttpService
from shortlist.openai_api import KEY, OpenAIAddress
from shortlist.rerankers.permutations import STEP, WINDOW, WindowOrder, messages, read_order, shortened, windows
from shortlist.search.rerank import Ranks
from shortlist.text.validation import checked_text, model_text, model_texts
from shortlist.types import Note, RerankerInfo, Scores

PREFIX = "openai-list:"
PRICES = "SHORTLIST_TOKEN_PRICES"
"""The environment variable with the prices of one million prompt and one million completion tokens."""
TIMEOUT = 120.0
"""Seconds for one answer. A chat model writes for longer than a reranker scores."""
MAX_CONCURRENT = 8
TEMPERATURE = "temperature"


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """The prices of one million tokens, in any currency.

    Raises:
        InvalidInput: A price is negative, infinite or NaN.
    """

    prompt: float
    completion: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(price) and price >= 0 for price in (self.prompt, self.completion)):
            raise InvalidInput(f"prices must be 0 or more, not {self.prompt} and {self.completion}")


@dataclass(frozen=True, slots=True)
class ListUsage:
    """The calls of a listwise reranker, their tokens, and the faults of their answers.

    `uncounted` is the number of calls whose answer had no token counts. `missing`, `repeated` and `unknown` are those
    of `WindowOrder`. `unreadable` counts the windows that kept their earlier order, because the answer named none of
    their passages.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    missing: int = 0
    repeated: int = 0
    unknown: int = 0
    unreadable: int = 0

    def plus(self, other: ListUsage) -> ListUsage:
        """Return the sum of both."""
        return ListUsage(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def notes(self, reranker: str, prices: TokenPrices | None = None) -> tuple[Note, ...]:
        """Return a note about the calls, and one about faulty answers if there were any. No calls give no notes."""
        if not self.calls:
            return ()
        cost = None
        if prices is not None and not self.uncounted:
            cost = (self.prompt_tokens * prices.prompt + self.completion_tokens * prices.completion) / 1e6
        calls = Note(
            "list_calls",
            reranker=reranker,
            calls=self.calls,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            uncounted=self.uncounted,
            cost=cost,
        )
        faults = {name: getattr(self, name) for name in ("missing", "repeated", "unknown", "unreadable")}
        return (calls, Note("list_faults", calls=self.calls, **faults)) if any(faults.values()) else (calls,)


def is_chat(name: str) -> bool:
    """Return whether `name` is the name of a chat model as a listwise reranker."""
    return name.startswith(PREFIX)


def parse(name: str) -> OpenAIAddress:
    """Return the parts of `openai-list:MODEL` or `openai-list:MODEL@URL`. Raises as `openai_api.parse`."""
    return openai_api.parse(name, PREFIX, "/chat/completions", "listwise reranker")


def prices_of(text: str) -> TokenPrices | None:
    """Return the prices in `text`: two numbers with a space or a comma between them. An empty text gives None.

    Raises:
        InvalidInput: The text is something else.
    """
    parts = text.replace(",", " ").split()
    if not parts:
        return None
    try:
        prompt, completion = map(float, parts)
    except ValueError as error:
        raise InvalidInput(
            f"{PRICES} is {text!r:.80}: give the prices of one million prompt and completion tokens, such as '0.15 0.6'"
        ) from error
    return TokenPrices(prompt, completion)


class ChatReranker(Ranks):
    """A chat model that orders the pool in sliding windows. Satisfies `protocols.Reranker`; safe for several threads.

    The model returns an order and no scores. The score of a text is 1 divided by its place in the order. Scores depend
    on the pool, so they are no measure of relevance. `usage` counts the calls and tokens of all calls of `score`.

    Args:
        name: `openai-list:MODEL` or `openai-list:MODEL@URL`. The key is read from OPENAI_API_KEY and never shown. A
            server of your own may need none.
        window: Passages in one prompt.
        step: Places from one window to the next.
        prices: What tokens cost. None: the prices in SHORTLIST_TOKEN_PRICES, if there are any.
        timeout: Seconds to wait for one answer.
        retries: The number of repeated requests after a timeout, a lost connection, or a status 429 or 5xx.
        sleep: A function that waits for a number of seconds between two attempts.

    Raises:
        InvalidInput: A name or prices that cannot be read, or an argument out of range.
        HostedRefused: OpenAI needs a key, and OPENAI_API_KEY is not set.
    """

    def __init__(
        self,
        name: str,
        *,
        window: int = WINDOW,
        step: int = STEP,
        prices: TokenPrices | None = None,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 1 <= step < window or timeout <= 0 or retries < 0:
            raise InvalidInput(
                "window must be above step, step 1 or more, timeout above 0 and retries 0 or more, not "
                f"{window}, {step}, {timeout} and {retries}"
            )
        address = parse(name)
        self.info = RerankerInfo(
            address.name, pointwise=False, unit="reciprocal rank", remote=True, max_concurrent=MAX_CONCURRENT
        )
        self.prices = prices_of(os.environ.get(PRICES, "")) if prices is None else prices
        self._model, self._window, self._step = address.model, window, step
        endpoint = Endpoint(address.name, address.endpoint, address.key(), (KEY,))
        self._service = HttpService(endpoint, timeout=timeout, retries=retries, sleep=sleep)
        self._usage = ListUsage()
        self._settings: Mapping[str, Any] = {TEMPERATURE: 0}
        self._lock = threading.Lock()

    @property
    def usage(self) -> ListUsage:
        """The calls and tokens of all calls of `score`, also of those that failed later."""
        return self._usage

    def usage_notes(self) -> tuple[Note, ...]:
        """Return `usage` as notes, with the cost if the prices are known."""
        return self._usage.notes(self.info.name, self.prices)

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """Return 1 / place for each text, in the order given; higher is better. `truncated` marks the cut texts.

        The texts are given best first, as stage one ranks them: windows move from the last texts to the first. The
        scores have notes about calls, tokens and faulty answers. Fewer than two texts send no request.

        Raises:
            InvalidInput: An empty query, or texts that are not an iterable of strings.
            HostedRefused: The service refused the key, the model, or another part of the request.
            HostedUnavailable: The service did not answer in time, or was overloaded or failing, after all retries.
            BadScores: An answer is not JSON, or has no message.
        """
        query = model_text(checked_text(query))
        shown = [shortened(text) for text in model_texts(texts)]
        order = list(range(len(shown)))
        total = ListUsage()
        for start, end in windows(len(shown), self._window, self._step):
            places = order[start:end]
            result, usage = self._ordered(query, [shown[place][0] for place in places])
            order[start:end] = [places[place] for place in result.places]
            total = total.plus(usage)
        ranks = {place: rank for rank, place in enumerate(order, start=1)}
        scores = [1 / ranks[place] for place in range(len(shown))]
        return Scores(scores, [cut for _, cut in shown], notes=total.notes(self.info.name, self.prices))

    def close(self) -> None:
        """Close the connections. A closed reranker can be used again."""
        self._service.close()

    def _ordered(self, query: str, texts: list[str]) -> tuple[WindowOrder, ListUsage]:
        """The order of one window, and the use of its call, which is also added to `usage`."""
        answer = self._answer({"model": self._model, "messages": messages(query, texts)})
        choices = answer.get("choices") if isinstance(answer, Mapping) else None
        message = choices[0].get("message") if isinstance(choices, list) and choices else None
        if not isinstance(message, Mapping):
            raise BadScores(f"{self.info.name} returned an answer without a message")
        content = message.get("content")
        order = read_order(content if isinstance(content, str) else "", len(texts))
        usage = _with_order(_tokens(answer), order)
        with self._lock:
            self._usage = self._usage.plus(usage)
        return order, usage

    def _answer(self, body: dict[str, Any]) -> Any:
        """The answer of the service. Some models refuse every temperature but their own: they get none from then on."""
        settings = self._settings
        try:
            return self._service.post({**body, **settings})
        except HostedRefused as error:
            if not settings or TEMPERATURE not in str(error):
                raise
        self._settings = {}
        return self._service.post(body)


def _tokens(answer: Mapping[str, Any]) -> ListUsage:
    """One call, with the tokens that the answer counts."""
    counts = answer.get("usage")
    read: Callable[[str], Any] = counts.get if isinstance(counts, Mapping) else lambda _: None
    prompt, completion = read("prompt_tokens"), read("completion_tokens")
    if not (isinstance(prompt, int) and isinstance(completion, int) and min(prompt, completion) >= 0):
        return ListUsage(calls=1, uncounted=1)
    return ListUsage(1, prompt, completion)


def _with_order(usage: ListUsage, order: WindowOrder) -> ListUsage:
    return replace(
        usage,
        missing=order.missing,
        repeated=order.repeated,
        unknown=order.unknown,
        unreadable=int(not order.readable),
    )
