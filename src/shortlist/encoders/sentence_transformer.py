"""A bi-encoder without a usable ONNX file. sentence-transformers runs the model under torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shortlist.encoders.onnx import finite, unit
from shortlist.errors import MissingExtra
from shortlist.inference.devices import torch_device
from shortlist.inference.torch_engine import set_precision
from shortlist.models.spec import EncoderSpec
from shortlist.reprs import short_repr
from shortlist.text.validation import model_texts


class SentenceTransformerEncoder:
    """Vectors from torch. Satisfies `protocols.Encoder`. Code from a model repository never runs.

    The precision is that of `inference.runtimes.torch_precision`.

    Raises:
        MissingExtra: The torch extra is not installed.
        InvalidInput: See `inference.devices.torch_device`.
    """

    def __init__(self, spec: EncoderSpec, *, precision: str = "auto", device: str = "auto") -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingExtra(f"{spec.files.name} ({spec.files.onnx_reason})", "torch") from error
        self.name = spec.files.name
        self.dimension = spec.dimension
        self._spec = spec
        where = torch_device(device, self.name)
        self._model = SentenceTransformer(str(Path(spec.files.folder)), device=where, trust_remote_code=False)
        set_precision(self._model, precision, device)

    def __repr__(self) -> str:
        return short_repr(self, self.name, {"dimension": self.dimension})

    def encode_queries(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return `(len(texts), dimension)` float32 rows. No texts give no rows.

        Rows have length 1, except those of a model that is compared by dot product.
        """
        return self._encode(texts, self._spec.query_prompt)

    def encode_passages(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """As `encode_queries`, with the model's prompt for passages."""
        return self._encode(texts, self._spec.passage_prompt)

    def _encode(self, texts: Iterable[str], prompt: str) -> NDArray[np.float32]:
        given = model_texts(texts)
        if not given:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = self._model.encode(given, prompt=prompt, convert_to_numpy=True, show_progress_bar=False)
        rows = np.asarray(vectors, dtype=np.float32)
        return unit(rows) if self._spec.normalize else finite(rows)
