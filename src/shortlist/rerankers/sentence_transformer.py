"""A cross-encoder that has no usable ONNX file, run by sentence-transformers under torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shortlist.errors import MissingExtra, ModelError
from shortlist.models.fingerprint import weights_hash
from shortlist.models.spec import CrossEncoderSpec
from shortlist.search.rerank import rank
from shortlist.text.validation import checked_text, checked_texts
from shortlist.types import Ranked, RerankerInfo, Scores


class SentenceTransformerReranker:
    """Satisfies `protocols.Reranker` with raw logits. Needs the `torch` extra; repository code is never run."""

    def __init__(self, spec: CrossEncoderSpec, *, device: str = "auto") -> None:
        try:
            import torch
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise MissingExtra(f"{spec.files.name} ({spec.files.onnx_reason})", "torch") from error
        self.name = spec.files.name
        self.info = RerankerInfo(self.name, pointwise=True, window=spec.max_length)
        self._spec = spec
        self._raw = torch.nn.Identity()
        self._model = CrossEncoder(
            str(Path(spec.files.folder)), device=None if device == "auto" else device, trust_remote_code=False
        )

    def weights_hash(self) -> str:
        """See `protocols.HasWeights`."""
        return weights_hash(self._spec)

    def rank(self, query: str, documents: Iterable[Any], *, top_k: int | None = None) -> list[Ranked]:
        """Return the documents, best first: see `shortlist.rerank`."""
        return rank(query, documents, self, top_k=top_k)

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """One raw logit a text, in the order given, higher is better; no texts give an empty list."""
        asked = checked_text(query)
        pairs = [(asked, text) for text in checked_texts(texts)]
        if not pairs:
            return Scores()
        scores = self._model.predict(pairs, activation_fn=self._raw, show_progress_bar=False)
        if len(scores.shape) != 1:
            raise ModelError(
                f"{self.name} is no cross-encoder with one label: it gives {scores.shape[1]} numbers a pair"
            )
        return Scores(float(score) for score in scores)
