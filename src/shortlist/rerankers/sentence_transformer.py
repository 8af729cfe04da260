"""A cross-encoder without a usable ONNX file. sentence-transformers runs the model under torch."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from shortlist.errors import MissingExtra, ModelError
from shortlist.inference.batches import plan
from shortlist.inference.devices import torch_device
from shortlist.inference.pair_tokenizer import PairTokenizer
from shortlist.inference.torch_engine import GPU_ROWS, GPU_TOKENS, set_precision
from shortlist.models.fingerprint import weights_hash
from shortlist.models.spec import CrossEncoderSpec
from shortlist.search.rerank import Ranks
from shortlist.text.validation import checked_text, model_text, model_texts
from shortlist.types import RerankerInfo, Scores

CPU_ROWS = 32
"""The rows of a batch on the CPU: what sentence-transformers chooses."""


class SentenceTransformerReranker(Ranks):
    """Raw logits from torch. Satisfies `protocols.Reranker`. Code from a model repository never runs.

    The precision is that of `inference.runtimes.torch_precision`. On a GPU, batches have a budget of tokens.

    Raises:
        MissingExtra: The torch extra is not installed.
        InvalidInput: See `inference.devices.torch_device`.
    """

    def __init__(self, spec: CrossEncoderSpec, *, precision: str = "auto", device: str = "auto") -> None:
        try:
            import torch
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise MissingExtra(f"{spec.files.name} ({spec.files.onnx_reason})", "torch") from error
        self.info = RerankerInfo(spec.files.name, pointwise=True, window=spec.max_length)
        self._spec = spec
        self._identity = torch.nn.Identity()
        where = torch_device(device, spec.files.name)
        self._model = CrossEncoder(str(Path(spec.files.folder)), device=where, trust_remote_code=False)
        set_precision(self._model, precision, device)
        self._tokenizer = PairTokenizer(spec.files.tokenizer, spec.max_length)

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
        scores = [0.0] * len(pairs)
        for rows in self._batches(query, [text for _, text in pairs]):
            for row, score in zip(rows, self._predicted([pairs[row] for row in rows]), strict=True):
                scores[row] = score
        return Scores(scores)

    def _batches(self, query: str, texts: list[str]) -> list[list[int]]:
        """The places of the texts that run together. On the CPU, sentence-transformers makes the batches."""
        if self._model.device.type == "cpu":
            return [list(range(len(texts)))]
        before = self._tokenizer.count(query)
        inputs, _ = self._tokenizer.singles(texts)
        return plan([before + tokens.length for tokens in inputs], GPU_ROWS, GPU_TOKENS)

    def _predicted(self, pairs: list[tuple[str, str]]) -> list[float]:
        size = CPU_ROWS if self._model.device.type == "cpu" else len(pairs)
        scores = self._model.predict(
            pairs, batch_size=size, activation_fn=self._identity, show_progress_bar=False, convert_to_numpy=True
        )
        if len(scores.shape) != 1:
            raise ModelError(
                f"{self.info.name} is not a cross-encoder with one label: it returns {scores.shape[1]} numbers for a "
                "pair"
            )
        return [float(score) for score in scores]
