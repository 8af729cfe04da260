"""A bi-encoder run from an ONNX file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError
from shortlist.inference.pair_tokenizer import Words
from shortlist.inference.runtimes import choose
from shortlist.inference.session import Session
from shortlist.models.packaged import BI_ENCODER
from shortlist.models.spec import EncoderSpec
from shortlist.text.validation import checked_texts

TEXTS_AT_A_TIME = 128
"""Many files put out the state of every token, and those of all texts at once would not fit into memory."""


class OnnxEncoder:
    """Vectors from an ONNX bi-encoder. Satisfies `protocols.Encoder`; safe to call from several threads.

    Any number of texts may be given at once: they are run and pooled `TEXTS_AT_A_TIME` by `TEXTS_AT_A_TIME`.

    `precision` is "auto", "exact" (fp32) or "fast". Texts beyond the model's window are cut; `truncated` holds
    how many texts of all calls were.

    Raises:
        ModelError: It has no ONNX file that may be run, or is no bi-encoder.
    """

    def __init__(
        self, spec: EncoderSpec, *, precision: str = "auto", device: str = "auto", threads: int | None = None
    ) -> None:
        if spec.files.onnx is None:
            raise ModelError(f"{spec.files.name}: {spec.files.onnx_reason}")
        self.name = spec.files.name
        self.dimension = spec.dimension
        self.window = spec.max_length
        self.truncated = 0
        self._spec = spec
        self._words = Words(spec.files.tokenizer, spec.max_length)
        self._session = Session(spec.files.onnx, choose(precision), threads=threads)
        self._check(self._session.shape)

    def encode_queries(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """`(len(texts), dimension)` float32 rows, unit unless the model is a dot-product one; no texts, no rows."""
        return self._encode([self._spec.query_prompt + text for text in checked_texts(texts)])

    def encode_passages(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """As `encode_queries`, with the model's prompt for passages."""
        return self._encode([self._spec.passage_prompt + text for text in checked_texts(texts)])

    def token_counts(self, texts: Iterable[str], *, query: bool = False) -> tuple[list[int], list[bool]]:
        """See `protocols.CountsTokens`."""
        prompt = self._spec.query_prompt if query else self._spec.passage_prompt
        inputs, cut = self._words.singles([prompt + text for text in checked_texts(texts)])
        return [len(one.ids) for one in inputs], cut

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        starts = range(0, len(texts), TEXTS_AT_A_TIME)
        return np.concatenate([self._rows(texts[start : start + TEXTS_AT_A_TIME]) for start in starts])

    def _check(self, shape: Sequence[int | None]) -> None:
        """Does nothing where rows of this shape can be vectors of the model's dimension."""
        if self.dimension and shape and (len(shape) not in {2, 3} or shape[-1] not in {self.dimension, None}):
            raise ModelError(
                f"{self.name} is no bi-encoder: its output ends in {shape[-1]} values, where its files promise "
                f"vectors of {self.dimension}. Give a bi-encoder, such as {BI_ENCODER}"
            )

    def _rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        inputs, cut = self._words.singles(texts)
        self.truncated += sum(cut)
        rows = self._session.run(inputs, self._words.pad)
        if rows[0].ndim == 2:
            rows = [pool(states, self._spec.pooling) for states in rows]
        return unit(np.stack(rows)) if self._spec.normalize else finite(np.stack(rows))


def pool(states: NDArray[np.float32], how: str) -> NDArray[np.float32]:
    """`(tokens, width)` states of one text -> `(width,)`."""
    pooled = {"cls": states[0], "last": states[-1]}.get(how)
    if pooled is None:
        pooled = states.max(axis=0) if how == "max" else states.mean(axis=0)
    return np.asarray(pooled, dtype=np.float32)


def finite(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows as they are.

    Raises:
        ModelError: A value is NaN or infinite.
    """
    if not np.isfinite(rows).all():
        raise ModelError("the bi-encoder returned NaN or infinity")
    return rows


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows at length 1; a zero row stays zero. Raises as `finite` does."""
    lengths = np.linalg.norm(finite(rows), axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
