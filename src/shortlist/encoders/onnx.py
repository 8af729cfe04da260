"""A bi-encoder that runs from an ONNX file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError
from shortlist.inference.pair_tokenizer import PairTokenizer
from shortlist.inference.runtimes import choose
from shortlist.inference.session import Session
from shortlist.models.packaged import BI_ENCODER
from shortlist.models.spec import EncoderSpec
from shortlist.reprs import short_repr
from shortlist.text.validation import checked_texts

TEXTS_AT_A_TIME = 128
"""Many ONNX files return the state of every token, and the states of all texts would not fit into memory."""


class OnnxEncoder:
    """Vectors from an ONNX bi-encoder. Satisfies `protocols.Encoder`; safe to call from several threads.

    Any number of texts may be given. They run and are pooled 128 at a time. A text that is longer than the model's
    window is cut; `truncated` counts the cut texts of all calls.

    Args:
        spec: The model.
        precision: "auto", "exact" (fp32) or "fast".
        device: "auto", "cpu", "cuda" or "openvino:NAME".
        threads: CPU cores to use. None: all that this process may use.
        as_worker: The model is that of one of several workers: vectors do not depend on `threads`, and few texts are
            not spread over all threads.

    Raises:
        ModelError: The model has no usable ONNX file, or is not a bi-encoder.
        InvalidInput: See `inference.runtimes.choose`.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        *,
        precision: str = "auto",
        device: str = "auto",
        threads: int | None = None,
        as_worker: bool = False,
    ) -> None:
        if spec.files.onnx is None:
            raise ModelError(f"{spec.files.name}: {spec.files.onnx_reason}")
        self.name = spec.files.name
        self.dimension = spec.dimension
        self.window = spec.max_length
        self.truncated = 0
        self.runtime = replace(choose(precision, device=device), as_worker=as_worker)
        self._spec = spec
        self._tokenizer = PairTokenizer(spec.files.tokenizer, spec.max_length)
        self._session = Session(spec.files.onnx, self.runtime, threads=threads)
        self._check(self._session.shape)

    def __repr__(self) -> str:
        facts = {"dimension": self.dimension, "window": self.window, "runtime": self.runtime.shown}
        return short_repr(self, self.name, facts)

    def encode_queries(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return `(len(texts), dimension)` float32 rows. No texts give no rows.

        Rows have length 1, except those of a model that is compared by dot product.
        """
        return self._encode([self._spec.query_prompt + text for text in checked_texts(texts)])

    def encode_passages(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """As `encode_queries`, with the model's prompt for passages."""
        return self._encode([self._spec.passage_prompt + text for text in checked_texts(texts)])

    def token_counts(self, texts: Iterable[str], *, query: bool = False) -> tuple[list[int], list[bool]]:
        """See `protocols.CountsTokens`."""
        prompt = self._spec.query_prompt if query else self._spec.passage_prompt
        inputs, cut = self._tokenizer.singles([prompt + text for text in checked_texts(texts)])
        return [len(tokens.ids) for tokens in inputs], cut

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        starts = range(0, len(texts), TEXTS_AT_A_TIME)
        return np.concatenate([self._rows(texts[start : start + TEXTS_AT_A_TIME]) for start in starts])

    def _check(self, shape: Sequence[int | None]) -> None:
        """Raise ModelError if an output of this shape cannot be vectors of the model's dimension."""
        if self.dimension and shape and (len(shape) not in {2, 3} or shape[-1] not in {self.dimension, None}):
            raise ModelError(
                f"{self.name} is not a bi-encoder: its output ends in {shape[-1]} values, but its files promise "
                f"vectors of {self.dimension}. Give a bi-encoder, such as {BI_ENCODER}"
            )

    def _rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        inputs, cut = self._tokenizer.singles(texts)
        self.truncated += sum(cut)
        rows = self._session.run(inputs, self._tokenizer.pad)
        if rows[0].ndim == 2:
            rows = [pool(states, self._spec.pooling) for states in rows]
        return unit(np.stack(rows)) if self._spec.normalize else finite(np.stack(rows))


def pool(states: NDArray[np.float32], pooling: str) -> NDArray[np.float32]:
    """Return the `(width,)` vector of one text from its `(tokens, width)` states."""
    vector = {"cls": states[0], "last": states[-1]}.get(pooling)
    if vector is None:
        vector = states.max(axis=0) if pooling == "max" else states.mean(axis=0)
    return np.asarray(vector, dtype=np.float32)


def finite(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows unchanged.

    Raises:
        ModelError: A value is NaN or infinite.
    """
    if not np.isfinite(rows).all():
        raise ModelError("the bi-encoder returned NaN or infinity")
    return rows


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows scaled to length 1. A zero row stays zero.

    Raises:
        ModelError: See `finite`.
    """
    lengths = np.linalg.norm(finite(rows), axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
