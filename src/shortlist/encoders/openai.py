"""A bi-encoder behind an embeddings endpoint that is compatible with OpenAI's: `openai:MODEL` or `openai:MODEL@URL`.

Servers such as vLLM, TEI, Infinity, llama.cpp, Ollama and LiteLLM have this endpoint, too.

Source: https://platform.openai.com/docs/api-reference/embeddings/create (read in November 2026).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist import openai_api
from shortlist.encoders.onnx import unit
from shortlist.errors import BadScores, InvalidInput
from shortlist.http_service import RETRIES, TIMEOUT, Endpoint, HttpService
from shortlist.openai_api import KEY, OpenAIAddress
from shortlist.reprs import short_repr
from shortlist.text.validation import item_name, model_texts

PREFIX = "openai:"
MAX_TEXTS = 32
"""Texts in one request. TEI allows no more by default."""
PROBE = "dimension"
"""The text whose vector shows the dimension."""


def is_openai(name: str) -> bool:
    """Return whether `name` is the name of a model behind an embeddings endpoint."""
    return name.startswith(PREFIX)


def parse(name: str) -> OpenAIAddress:
    """Return the parts of `openai:MODEL` or `openai:MODEL@URL`. Raises as `openai_api.parse`."""
    return openai_api.parse(name, PREFIX, "/embeddings", "bi-encoder")


class OpenAIEncoder:
    """Vectors from an embeddings endpoint. Satisfies `protocols.Encoder`; safe to call from several threads.

    The key is read from OPENAI_API_KEY and never shown. A server of your own may need none. Queries and passages are
    sent alike.

    Args:
        name: `openai:MODEL` or `openai:MODEL@URL`, such as `openai:text-embedding-3-small`.
        timeout: Seconds to wait for one answer.
        retries: The number of repeated requests after a timeout, a lost connection, or a status 429 or 5xx.
        max_texts: Texts in one request.
        sleep: A function that waits for a number of seconds between two attempts.

    Raises:
        InvalidInput: A name that cannot be read, or an argument out of range.
        HostedRefused: OpenAI needs a key, and OPENAI_API_KEY is not set.
    """

    def __init__(
        self,
        name: str,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        max_texts: int = MAX_TEXTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if timeout <= 0 or retries < 0 or max_texts < 1:
            raise InvalidInput(
                "timeout must be above 0, retries 0 or more, and max_texts 1 or more, not "
                f"{timeout}, {retries} and {max_texts}"
            )
        address = parse(name)
        self.name = address.name
        self._model, self._max_texts = address.model, max_texts
        endpoint = Endpoint(self.name, address.endpoint, address.key(), (KEY,))
        self._service = HttpService(endpoint, timeout=timeout, retries=retries, sleep=sleep)
        self._dimension: int | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return short_repr(self, self.name, {"dimension": self._dimension})

    @property
    def dimension(self) -> int:
        """The length of a vector. The first use sends a request, if no text was encoded before.

        Raises:
            HostedRefused, HostedUnavailable, BadScores: As `encode_queries`.
        """
        if self._dimension is None:
            self._rows([PROBE])
        assert self._dimension is not None
        return self._dimension

    def encode_queries(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return `(len(texts), dimension)` float32 unit rows. No texts give no rows.

        Raises:
            InvalidInput: `texts` is not an iterable of strings.
            HostedRefused: The server refused the key, the model or a text, such as a text that is too long.
            HostedUnavailable: The server did not answer in time, or was overloaded or failing, after all retries.
            BadScores: The answer does not have one finite vector of the same length for each text.
        """
        given = model_texts(texts)
        if not given:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.concatenate(
            [self._rows(given[start : start + self._max_texts]) for start in range(0, len(given), self._max_texts)]
        )

    def encode_passages(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return the same rows as `encode_queries`."""
        return self.encode_queries(texts)

    def close(self) -> None:
        """Close the connections. A closed encoder can be used again."""
        self._service.close()

    def _rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The unit vectors of one request, in the order of its texts."""
        answer = self._service.post({"model": self._model, "input": list(texts), "encoding_format": "float"})
        data = answer.get("data") if isinstance(answer, Mapping) else None
        if not isinstance(data, list) or len(data) != len(texts):
            count = len(data) if isinstance(data, list) else "no"
            raise BadScores(f"{self.name} returned {count} vectors for {len(texts)} texts")
        rows: dict[int, Any] = {
            entry.get("index", place): entry.get("embedding")
            for place, entry in enumerate(data)
            if isinstance(entry, Mapping)
        }
        vectors = [self._vector(rows.get(place), place, len(texts)) for place in range(len(texts))]
        with self._lock:
            size = self._dimension = self._dimension or len(vectors[0])
        wrong = next((len(vector) for vector in vectors if len(vector) != size), None)
        if wrong is not None:
            raise BadScores(f"{self.name} returned vectors of {size} and of {wrong} numbers")
        return unit(np.stack(vectors))

    def _vector(self, numbers: Any, place: int, count: int) -> NDArray[np.float32]:
        try:
            vector = np.asarray(numbers, dtype=np.float32)
        except (TypeError, ValueError):
            vector = np.zeros(0, dtype=np.float32)
        if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
            raise BadScores(f"{self.name} returned no vector of finite numbers for {item_name('text', place, count)}")
        return vector
