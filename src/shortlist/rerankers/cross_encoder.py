"""The cross-encoder: query and passage read together, one logit a pair."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shortlist.errors import BadScores, InvalidInput, ModelError
from shortlist.inference.runtimes import choose
from shortlist.inference.session import Session
from shortlist.inference.words import Words
from shortlist.models import CrossEncoderSpec, cross_encoder_spec
from shortlist.models.packaged import CROSS_ENCODER


class CrossEncoder:
    """A local cross-encoder. Satisfies `protocols.Reranker`; safe to call from several threads.

    Args:
        model: A packaged name, a local folder, or a hub id such as `cross-encoder/ms-marco-MiniLM-L6-v2`.
        precision: "auto" (the default for this machine), "exact" (fp32, torch's scores to 1e-4) or "fast".
        max_length: A window smaller than the model's own, in tokens of query and passage together.
        threads: Cores to use; all that this process may use when None.

    Raises:
        ModelNotFound: No such model.
        HubUnreachable: It has to be downloaded and the hub does not answer.
        ModelError: It is no cross-encoder with one label, or has no ONNX file that may be run.
    """

    pointwise = True

    def __init__(
        self,
        model: str = CROSS_ENCODER,
        *,
        precision: str = "auto",
        max_length: int | None = None,
        threads: int | None = None,
    ) -> None:
        spec = cross_encoder_spec(model)
        onnx = _checked(spec)
        self.name = spec.files.name
        self.max_length = min(max_length or spec.max_length, spec.max_length)
        self.runtime = choose(precision)
        self._words = Words(spec.files.tokenizer, self.max_length)
        self._session = Session(onnx, self.runtime, threads=threads)

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """One raw logit a text, in the order given, higher is better; no texts give an empty list.

        Raises:
            InvalidInput: The query is empty, or leaves no room for a passage in the window.
            BadScores: The model returned NaN or infinity.
        """
        return self.score_and_report(query, texts)[0]

    def score_and_report(self, query: str, texts: Sequence[str]) -> tuple[list[float], list[bool]]:
        """The scores of `score`, and for each text whether it was cut to fit the window."""
        if not query.strip():
            raise InvalidInput("the query is empty: give at least one word")
        pairs, cut = self._words.pairs(query, texts)
        scores = [float(row.reshape(-1)[0]) for row in self._session.run(pairs, self._words.pad)]
        for place, score in enumerate(scores):
            if not math.isfinite(score):
                raise BadScores(f"{self.name} gave {score} for text {place} of {len(texts)}: {texts[place][:80]!r}")
        return scores, cut

    def count_tokens(self, text: str) -> int:
        """How many tokens of the window `text` takes."""
        return self._words.count(text)


def _checked(spec: CrossEncoderSpec) -> str:
    if spec.labels != 1:
        raise ModelError(f"{spec.files.name} has {spec.labels} labels; a reranker needs a cross-encoder with one")
    if spec.files.onnx is None:
        raise ModelError(f"{spec.files.name}: {spec.files.onnx_reason}")
    return str(spec.files.onnx)
