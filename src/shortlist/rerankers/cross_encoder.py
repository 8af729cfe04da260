"""The cross-encoder: query and passage read together, one logit a pair."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

from shortlist.errors import BadScores, InvalidInput, ModelError
from shortlist.inference.batches import Tokens
from shortlist.inference.pair_tokenizer import Words
from shortlist.inference.runtimes import choose
from shortlist.inference.session import Session
from shortlist.inference.stages import Scoring, StagedSession
from shortlist.models import CrossEncoderSpec, cross_encoder_spec
from shortlist.models.fingerprint import weights_hash
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.search.rerank import rank
from shortlist.text.validation import checked_list, checked_text
from shortlist.types import Note, Ranked, RerankerInfo, Scores

ACTIVATIONS = ("raw", "sigmoid", "model")


class CrossEncoder:
    """A local cross-encoder. Satisfies `protocols.Reranker`; safe to call from several threads.

    Args:
        model: A packaged name, a local folder, or a hub id such as `cross-encoder/ms-marco-MiniLM-L6-v2`.
        precision: "auto" (the default for this machine), "exact" (fp32, torch's scores to 1e-4) or "fast".
        activation: "raw" (the logit), "sigmoid" (0 to 1), or "model" (what the model's files suggest).
        max_length: A window smaller than the model's own, in tokens of query and passage together.
        threads: Cores to use; all that this process may use when None.
        early_exits: Make ready for `begin` rather than for `score`; the other is made ready when it is first used.

    Raises:
        ModelNotFound: No such model.
        HubUnreachable: It has to be downloaded and the hub does not answer.
        ModelError: It is no cross-encoder with one label, or has no ONNX file that may be run.
    """

    def __init__(
        self,
        model: str = CROSS_ENCODER,
        *,
        precision: str = "auto",
        activation: str = "raw",
        max_length: int | None = None,
        threads: int | None = None,
        device: str = "auto",
        early_exits: bool = False,
    ) -> None:
        spec = cross_encoder_spec(model)
        file = _checked(spec)
        if activation not in ACTIVATIONS:
            raise InvalidInput(f"activation {activation!r} is unknown; choose one of {', '.join(ACTIVATIONS)}")
        self._sigmoid = activation == "sigmoid" or (activation == "model" and spec.activation == "sigmoid")
        self.name = spec.files.name
        self._spec = spec
        self.max_length = min(max_length or spec.max_length, spec.max_length)
        self.info = RerankerInfo(
            self.name, pointwise=True, unit="score" if self._sigmoid else "logit", window=self.max_length
        )
        self.runtime = choose(precision, spec.int8)
        self._longest_query = spec.longest_query
        self._words = Words(spec.files.tokenizer, self.max_length)
        self._session: Session | StagedSession = (
            StagedSession(spec.stages, self.runtime, threads=threads, apart=early_exits)
            if spec.stages
            else _loaded(self.name, Session(file, self.runtime, threads=threads))
        )

    @property
    def stages(self) -> int:
        """How many exits the model has; 1 for a model in one file."""
        return self._session.stages if isinstance(self._session, StagedSession) else 1

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """Return one float for each text, in the order given; higher is better. `truncated` marks the texts cut.

        It is the raw logit unless an activation was asked for.

        Raises:
            InvalidInput: The query is empty or no string, or `texts` is no iterable of strings.
            QueryTooLong: The query leaves no room for a passage in the window.
            BadScores: The model returned NaN or infinity.
        """
        given = checked_list(texts)
        pairs, cut = self.pairs(query, given)
        return Scores(self._scores(pairs, given), cut)

    def rank(self, query: str, documents: Iterable[Any], *, top_k: int | None = None) -> list[Ranked]:
        """Return the documents, best first: see `shortlist.rerank`."""
        return rank(query, documents, self, top_k=top_k)

    def pairs(
        self, query: str, texts: Iterable[str], *, max_tokens: int | None = None
    ) -> tuple[list[Tokens], list[bool]]:
        """The query with each text as the tokens that the model reads, and which texts were cut.

        `max_tokens` caps each text below what the window leaves for it. Pairs of different queries may be scored
        together by `score_pairs`.

        Raises:
            InvalidInput: As `score`, or `max_tokens` below 1.
            QueryTooLong: As `score`.
        """
        return self._words.pairs(checked_text(query), texts, max_tokens=max_tokens)

    def score_pairs(self, pairs: Sequence[Tokens]) -> list[float]:
        """One float a pair, in the order given, as `score` gives them; no pairs give an empty list.

        Raises:
            BadScores: The model returned NaN or infinity.
        """
        return self._scores(pairs)

    def _scores(self, pairs: Sequence[Tokens], texts: Sequence[str] = ()) -> list[float]:
        rows = self._session.run(pairs, self._words.pad)
        for row in rows:
            _check_one(self.name, row.shape)
        scores = [float(row.reshape(-1)[0]) for row in rows]
        for place, score in enumerate(scores):
            if not math.isfinite(score):
                shown = f": {texts[place][:80]!r}" if texts else ""
                raise BadScores(f"{self.name} gave {score} for text {place} of {len(pairs)}{shown}")
        return [sigmoid(score) for score in scores] if self._sigmoid else scores

    @property
    def batch_rows(self) -> int:
        """The most pairs that one batch of the runtime holds."""
        return self._session.batch_rows

    def plan(self, lengths: Sequence[int]) -> list[list[int]]:
        """The batches that `score_pairs` makes of pairs with so many tokens, as positions."""
        return self._session.plan(lengths)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of all that a score depends on beside the pair: weights, tokenizer, precision, activation, window."""
        how = f"{self.runtime.shown} {self._sigmoid} {self.max_length}"
        digest = hashlib.sha256(f"{how} {self.weights_hash()} ".encode())
        digest.update(self._spec.files.tokenizer.read_bytes())
        if self.runtime.int8:
            digest.update(self.runtime.int8.read_bytes())
        return digest.hexdigest()

    def begin(self, query: str, texts: Iterable[str]) -> tuple[Scoring, list[bool]]:
        """Every text through the first stage, to be carried on as the caller likes, and which texts were cut.

        Raises:
            InvalidInput: As `score`, or the model is not cut into stages.
        """
        if not isinstance(self._session, StagedSession):
            raise InvalidInput(f"{self.name} has no early exits: only models that are cut into stages do")
        pairs, cut = self.pairs(query, texts)
        return self._session.begin(pairs, self._words.pad), cut

    def skip_reason(self, query: str) -> Note | None:
        """Return a note if the query is longer than the queries that the model was trained on, or None."""
        if self._longest_query is None:
            return None
        tokens = self._words.count(query)
        if tokens <= self._longest_query:
            return None
        return Note(
            "rerank_skipped",
            reason="query_too_long",
            tokens=tokens,
            longest=self._longest_query,
            reranker=self.name,
        )

    def weights_hash(self) -> str:
        """See `protocols.HasWeights`."""
        return weights_hash(self._spec)

    def count_tokens(self, text: str) -> int:
        """How many tokens of the window `text` takes."""
        return self._words.count(text)


def _checked(spec: CrossEncoderSpec) -> str:
    if spec.files.onnx is None:
        raise ModelError(f"{spec.files.name}: {spec.files.onnx_reason}")
    return str(spec.files.onnx)


def _loaded(name: str, session: Session) -> Session:
    """The session, if its file gives one number a pair as far as the file says."""
    _check_one(name, session.shape[1:])
    return session


def _check_one(name: str, sizes: Sequence[int | None]) -> None:
    """Does nothing where the output for one pair, of these sizes, is one number."""
    if any(size not in {1, None} for size in sizes):
        shown = " x ".join("tokens" if size is None else str(size) for size in sizes)
        raise ModelError(
            f"{name} is no cross-encoder with one label: its output for a pair is {shown} numbers, not one. Give a "
            f"cross-encoder, such as {CROSS_ENCODER}"
        )


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), without overflow."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    return math.exp(logit) / (1.0 + math.exp(logit))
