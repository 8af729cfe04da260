"""A cross-encoder without a usable ONNX file. sentence-transformers runs the model under torch."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from shortlist.errors import MissingExtra, ModelError
from shortlist.inference.devices import torch_device
from shortlist.models.fingerprint import weights_hash
from shortlist.models.spec import CrossEncoderSpec
from shortlist.search.rerank import Ranks
from shortlist.text.validation import checked_text, model_text, model_texts
from shortlist.types import RerankerInfo, Scores


class SentenceTransformerReranker(Ranks):
    """Raw logits from torch. Satisfies `protocols.Reranker`. Code from a model repository never runs.

    Raises:
        MissingExtra: The torch extra is not installed.
        InvalidInput: See `inference.devices.torch_device`.
    """

    def __init__(self, spec: CrossEncoderSpec, *, device: str = "auto") -> None:
        try:
            import torch
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise MissingExtra(f"{spec.files.name} ({spec.files.onnx_reason})", "torch") from error
        self.info = RerankerInfo(spec.files.name, pointwise=True, window=spec.max_length)
        self._spec = spec
        self._identity = torch.nn.Identity()
        self._model = CrossEncoder(
            str(Path(spec.files.folder)), device=torch_device(device, spec.files.name), trust_remote_code=False
        )

    def weights_hash(self) -> str:
        """See `protocols.HasWeights`. The first call reads the files."""
        return self._weights_hash

    @functools.cached_property
    def _weights_hash(self) -> str:
        return weights_hash(self._spec)

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """Return one raw logit for each text, in the order given; higher is better. No texts give no scores.

        Raises:
            InvalidInput: The query is empty or not a string, or `texts` is not an iterable of strings.
            ModelError: The model returns more than one number for a pair.
        """
        query = model_text(checked_text(query))
        pairs = [(query, text) for text in model_texts(texts)]
        if not pairs:
            return Scores()
        scores = self._model.predict(pairs, activation_fn=self._identity, show_progress_bar=False)
        if len(scores.shape) != 1:
            raise ModelError(
                f"{self.info.name} is not a cross-encoder with one label: it returns {scores.shape[1]} numbers for a "
                "pair"
            )
        return Scores(float(score) for score in scores)
