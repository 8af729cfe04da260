"""Late interaction: a vector for each token, and the sum of the best matches of the query's tokens."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import BadScores, ModelError, QueryTooLong
from shortlist.inference.batches import Tokens
from shortlist.inference.pair_tokenizer import PairTokenizer
from shortlist.inference.runtimes import choose
from shortlist.inference.session import Session
from shortlist.models import late_interaction_spec
from shortlist.models.fingerprint import files_hash
from shortlist.models.tensors import tensor
from shortlist.search.rerank import Ranks
from shortlist.text.validation import checked_list, checked_text, item_name
from shortlist.types import RerankerInfo, Scores

PREFIX = "colbert:"
TEXTS_AT_A_TIME = 128
"""The vectors of more passages would take too much memory."""
CACHED_QUERIES = 16
LAYER = "linear.weight"
"""The name of the weights of a projection, in ColBERT's and in PyLate's files."""

Vectors = NDArray[np.float32]


def is_late_interaction(name: str) -> bool:
    """Return whether `name` is the name of a late-interaction model."""
    return name.startswith(PREFIX)


class LateInteraction(Ranks):
    """A late-interaction model as a reranker. Satisfies `protocols.Reranker`; safe to call from several threads.

    The score of a passage is the sum, over the tokens of the query, of the highest cosine with a token of the passage
    (MaxSim). With a query of up to 32 tokens, a score is between -32 and 32. The vectors of the last queries are kept.

    Args:
        name: `colbert:` with a folder or a hub id, such as `colbert:answerdotai/answerai-colbert-small-v1`.
        precision: "auto", "exact" (fp32), "fast", "fp16" or "bf16".
        threads: CPU cores to use. None: all that this process may use.
        device: "auto" (CUDA if it is available, otherwise the CPU), "cpu", "cuda" or "openvino:NAME".
        as_worker: The model is that of one of several workers: scores do not depend on `threads`.

    Raises:
        ModelNotFound: There is no such model, or its folder lacks a file.
        HubUnreachable: The model must be downloaded, and the hub does not answer.
        ModelError: The model is of another kind, has no usable ONNX file, or lacks its markers or its projection.
        InvalidInput: An unknown precision or device, or a device that is not available.

    Source:
        Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over
        BERT", SIGIR 2020, arXiv 2004.12832.
    """

    def __init__(
        self,
        name: str,
        *,
        precision: str = "auto",
        threads: int | None = None,
        device: str = "auto",
        as_worker: bool = False,
    ) -> None:
        self._spec = spec = late_interaction_spec(name.removeprefix(PREFIX))
        self.runtime = replace(choose(precision, device=device), as_worker=as_worker)
        self.info = RerankerInfo(
            f"{PREFIX}{spec.files.name}", pointwise=True, unit="score", window=spec.query_length + spec.passage_length
        )
        self._tokenizer = PairTokenizer(spec.files.tokenizer, spec.max_length)
        self._query_marker = self._token("marker of queries", spec.query_marker)
        self._passage_marker = self._token("marker of passages", spec.passage_marker)
        self._mask = self._token("mask", spec.mask) if spec.expands else 0
        skipped = [self._tokenizer.token_id(word) for word in spec.skipped]
        self._skipped = np.array([number for number in skipped if number is not None], dtype=np.int64)
        assert spec.files.onnx is not None
        self._session = Session(spec.files.onnx, self.runtime, threads=threads)
        self._layers: list[Vectors] | None = None
        self._cached_query = functools.lru_cache(CACHED_QUERIES)(self._encoded_query)

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """Return one float for each text, in the order given; higher is better. `truncated` marks the cut texts.

        No texts give no scores.

        Raises:
            InvalidInput: The query is empty or not a string, or `texts` is not an iterable of strings.
            QueryTooLong: The query is longer than the model's window.
            BadScores: The model returned NaN or infinity.
        """
        query, given = checked_text(query), checked_list(texts)
        inputs, cut = self._tokenizer.singles(given, marker=self._passage_marker, window=self._spec.passage_length)
        if not inputs:
            return Scores()
        vectors = self._cached_query(query)
        scores: list[float] = []
        for start in range(0, len(inputs), TEXTS_AT_A_TIME):
            part = inputs[start : start + TEXTS_AT_A_TIME]
            for tokens, states in zip(part, self._session.run(part, self._tokenizer.pad), strict=True):
                kept = ~np.isin(np.asarray(tokens.ids), self._skipped)
                scores.append(max_sim(vectors, self._projected(states[kept])))
        for place, score in enumerate(scores):
            if not np.isfinite(score):
                raise BadScores(f"{self.info.name} returned {score} for {item_name('text', place, len(scores))}")
        return Scores(scores, cut)

    def weights_hash(self) -> str:
        """See `protocols.HasWeights`. The first call reads the files."""
        return self._weights_hash

    @functools.cached_property
    def _weights_hash(self) -> str:
        spec = self._spec
        files = [file for file in (spec.files.onnx, *spec.projections) if file is not None and file.is_file()]
        return files_hash(files)

    def _token(self, role: str, token: str) -> int:
        number = self._tokenizer.token_id(token)
        if number is None:
            raise ModelError(f"{self.info.name}: the {role} {token!r} is not in its tokenizer.json")
        return number

    def _encoded_query(self, query: str) -> Vectors:
        """The unit vectors of the query's tokens, with those of the mask tokens that fill it."""
        spec = self._spec
        (tokens,), (cut,) = self._tokenizer.singles([query], marker=self._query_marker)
        if cut:
            raise QueryTooLong(
                f"the query is longer than the window of {self.info.name}, {spec.max_length} tokens: shorten it"
            )
        length = len(tokens.ids)
        if spec.expands and length < spec.query_length:
            ids = [*tokens.ids, *[self._mask] * (spec.query_length - length)]
            tokens = Tokens(ids, len(ids), attended=None if spec.attends else length)
        return self._projected(self._session.run([tokens], self._tokenizer.pad)[0])

    def _projected(self, states: Vectors) -> Vectors:
        """The unit vectors of the states of tokens."""
        if states.ndim != 2:
            raise ModelError(f"{self.info.name}: the ONNX file does not return a vector for each token")
        if self._layers is None:
            self._layers = self._layers_for(states.shape[1])
        for layer in self._layers:
            states = states @ layer.T
        lengths = np.linalg.norm(states, axis=1, keepdims=True)
        return np.asarray(states / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _layers_for(self, width: int) -> list[Vectors]:
        """The projections that an output of this width still needs: none if it has the model's dimension.

        Raises:
            ModelError: The width is neither that of the vectors nor that of the projections.
        """
        spec = self._spec
        if width == spec.dimension:
            return []
        files = [file for file in spec.projections if file.is_file()]
        layers = [layer for file in files if (layer := tensor(file, LAYER)) is not None]
        sizes = [width, *(layer.shape[0] for layer in layers)]
        if not layers or any(layer.ndim != 2 for layer in layers) or [layer.shape[1] for layer in layers] != sizes[:-1]:
            raise ModelError(
                f"{self.info.name}: the ONNX file returns {width} numbers for a token, its files promise "
                f"{spec.dimension or 'no number'}, and no projection between the two is in "
                "1_Dense/model.safetensors or model.safetensors"
            )
        return layers


def max_sim(query: Vectors, passage: Vectors) -> float:
    """Return the sum of the highest dot product of each query token with a passage token.

    `query` and `passage` are `(tokens, dimension)`. A passage without tokens gives 0.
    """
    if not len(passage):
        return 0.0
    return float((query @ passage.T).max(axis=1).sum())
