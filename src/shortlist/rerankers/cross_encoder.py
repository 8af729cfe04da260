"""The cross-encoder: a model that reads a query and a passage together, and returns one logit for the pair."""

from __future__ import annotations

import copy
import functools
import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import BadScores, InvalidInput
from shortlist.inference.batches import Tokens
from shortlist.inference.devices import is_torch
from shortlist.inference.pair_tokenizer import PairTokenizer
from shortlist.inference.runtimes import choose
from shortlist.inference.stages import Form, Scoring, StagedSession
from shortlist.inference.state_codec import StateCodec
from shortlist.models import cross_encoder_spec
from shortlist.models.fingerprint import states_hash, weights_hash
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.rerankers.session import check_one_number, load_session, spec_for
from shortlist.search.rerank import Ranks
from shortlist.text.validation import checked_list, checked_text, checked_texts, item_name
from shortlist.types import Note, RerankerInfo, Scores

ACTIVATIONS = ("raw", "sigmoid", "model")
QUERY_ROOM = 64
"""The tokens of the window that stored states leave for the query and the special tokens around it."""

Lookup = Callable[[Sequence[str]], Sequence[bytes | None]]
"""Returns the stored states of each text, or None for a text without."""


class CrossEncoder(Ranks):
    """A local cross-encoder. Satisfies `protocols.Reranker`; safe to call from several threads.

    Args:
        model: A packaged name, a folder, or a hub id such as `cross-encoder/ms-marco-MiniLM-L6-v2`.
        precision: "auto" (the default for this machine), "exact" (fp32, within 1e-4 of torch's scores), "fast", "fp16"
            or "bf16".
        activation: "raw" (the logit), "sigmoid" (0 to 1), or "model" (what the model's files suggest).
        max_length: A window in tokens of query and passage together that is smaller than the model's own.
        threads: CPU cores to use. None: all that this process may use. torch uses its own number.
        device: "auto" (CUDA if it is available, otherwise the CPU), "cpu", "cuda", "openvino:NAME" or "torch:NAME".
        early_exits: Load the form for progressive reranking first. A model in stages has two forms, one for `score`
            and one for `begin`. The other form is loaded when it is first used.
        stored_states: Load the form for stored states first, if the model has it: see `with_states`.
        as_worker: The model is that of one of several workers: scores do not depend on `threads`, and few texts are not
            spread over all threads.

    Raises:
        ModelNotFound: There is no such model.
        HubUnreachable: The model must be downloaded, and the hub does not answer.
        ModelError: The model is not a cross-encoder with one label, or has no usable ONNX file.
        InvalidInput: An unknown precision, activation or device, or a device that is not available.
    """

    def __init__(  # noqa: PLR0913 - only the first is needed
        self,
        model: str = CROSS_ENCODER,
        *,
        precision: str = "auto",
        activation: str = "raw",
        max_length: int | None = None,
        threads: int | None = None,
        device: str = "auto",
        early_exits: bool = False,
        stored_states: bool = False,
        as_worker: bool = False,
    ) -> None:
        self._settings = (precision, activation, max_length, threads, device, as_worker)
        if activation not in ACTIVATIONS:
            raise InvalidInput(f"activation {activation!r} is unknown; choose one of {', '.join(ACTIVATIONS)}")
        spec = cross_encoder_spec(model, weights=is_torch(device))
        self.runtime = replace(choose(precision, spec.int8, device), as_worker=as_worker)
        self._spec = spec = spec_for(spec, self.runtime)
        self._sigmoid = activation == "sigmoid" or (activation == "model" and spec.activation == "sigmoid")
        self.info = RerankerInfo(
            spec.files.name,
            pointwise=True,
            unit="score" if self._sigmoid else "logit",
            window=min(max_length or spec.max_length, spec.max_length),
        )
        self._tokenizer = PairTokenizer(spec.files.tokenizer, self.info.window or spec.max_length)
        self._lookup: Lookup | None = None
        self._codec = StateCodec(spec.codec) if spec.codec and spec.stages else None
        first: Form = "stored" if stored_states and self._codec else "separate" if early_exits else "joined"
        self._session = load_session(spec, self.runtime, self._codec, threads, first)

    def at(self, folder: Path) -> CrossEncoder:
        """Return the model in another folder, with the settings of this model. Raises as the class does."""
        precision, activation, max_length, threads, device, as_worker = self._settings
        return CrossEncoder(
            str(folder),
            precision=precision,
            activation=activation,
            max_length=max_length,
            threads=threads,
            device=device,
            as_worker=as_worker,
        )

    @property
    def folder(self) -> Path:
        """The folder with the model's files."""
        return self._spec.files.folder

    @property
    def stages(self) -> int:
        """The number of exits of the model; 1 for a model in one file."""
        return self._session.stages if isinstance(self._session, StagedSession) else 1

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """Return one float for each text, in the order given; higher is better. `truncated` marks the cut texts.

        The float is the raw logit, unless the model was loaded with an activation. No texts give no scores.

        Raises:
            InvalidInput: The query is empty or not a string, or `texts` is not an iterable of strings.
            QueryTooLong: The query leaves no room for a passage in the window.
            BadScores: The model returned NaN or infinity.
        """
        given = checked_list(texts)
        pairs, cut = self.pairs(query, given)
        return Scores(self._scores(pairs, given), cut)

    def pairs(
        self, query: str, texts: Iterable[str], *, max_tokens: int | None = None
    ) -> tuple[list[Tokens], list[bool]]:
        """Return the query with each text as the tokens that the model reads, and whether each text was cut.

        `max_tokens` limits each text further than the window does. `score_pairs` scores pairs of different queries
        together.

        Raises:
            InvalidInput: See `score`, or `max_tokens` is below 1.
            QueryTooLong: See `score`.
        """
        given = checked_list(texts)
        return self._tokenizer.pairs(checked_text(query), given, max_tokens=max_tokens, stored=self._stored(given))

    def _stored(self, texts: Sequence[str]) -> list[NDArray[np.uint8] | None]:
        """The codes of the stored states of each text; empty if no states are stored."""
        if self._lookup is None or self._codec is None:
            return []
        return [self._codec.codes(coded or b"") for coded in self._lookup(checked_texts(texts))]

    def score_pairs(self, pairs: Sequence[Tokens]) -> list[float]:
        """Return the score of each pair, in the order given: see `score`. No pairs give no scores.

        Raises:
            BadScores: The model returned NaN or infinity.
        """
        return self._scores(pairs)

    def _scores(self, pairs: Sequence[Tokens], texts: Sequence[str] = ()) -> list[float]:
        name = self.info.name
        rows = self._session.run(pairs, self._tokenizer.pad)
        for row in rows:
            check_one_number(name, row.shape)
        scores = [float(row.reshape(-1)[0]) for row in rows]
        for place, score in enumerate(scores):
            if not math.isfinite(score):
                shown = f": {texts[place][:80]!r}" if texts else ""
                raise BadScores(f"{name} returned {score} for {item_name('text', place, len(pairs))}{shown}")
        return [sigmoid(score) for score in scores] if self._sigmoid else scores

    @property
    def batch_rows(self) -> int:
        """The largest number of pairs in one batch."""
        return self._session.batch_rows

    def plan(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the batches that `score_pairs` makes of pairs with these lengths in tokens, as positions."""
        return self._session.plan(lengths)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of everything that a score depends on besides the pair.

        The parts are the weights, the tokenizer, the runtime, the activation, the window and the codec in use.
        """
        settings = f"{self.runtime.shown} {self._sigmoid} {self.info.window}"
        settings += f" {self.states_hash()}" if self._lookup else ""
        digest = hashlib.sha256(f"{settings} {self.weights_hash()} ".encode())
        digest.update(self._spec.files.tokenizer.read_bytes())
        if self.runtime.int8:
            digest.update(self.runtime.int8.read_bytes())
        return digest.hexdigest()

    def begin(self, query: str, texts: Iterable[str]) -> tuple[Scoring, list[bool]]:
        """Return every text scored by the first stage, and whether each text was cut. `Scoring.advance` continues.

        Raises:
            InvalidInput: See `score`, or the model is not in stages.
            QueryTooLong: See `score`.
        """
        if not isinstance(self._session, StagedSession):
            raise InvalidInput(f"{self.info.name} has no early exits: only models in stages have them")
        given = checked_list(texts)
        stored = self._stored(given) if self._spec.first_exit else []
        pairs, cut = self._tokenizer.pairs(checked_text(query), given, stored=stored)
        return self._session.begin(pairs, self._tokenizer.pad), cut

    @property
    def keeps_states(self) -> bool:
        """Whether `states_of` and `with_states` work: the model's lower layers compute query and passage apart."""
        return self._codec is not None

    def states_of(self, texts: Iterable[str]) -> list[bytes]:
        """Return the coded token states of each text after the layers that compute query and passage apart.

        The codec determines the bytes of a token. A text that leaves less than 64 tokens of the window for the
        query gives no bytes, `b""`: such a text is always scored from the text. No texts give an empty list.

        Raises:
            InvalidInput: The model has no such layers (see `keeps_states`), or `texts` is not an iterable of strings.
        """
        session = self._apart()
        passages = self._tokenizer.passages(texts, self._tokenizer.window - QUERY_ROOM)
        inputs = [tokens for tokens in passages if tokens is not None]
        coded = iter(session.coded_states(inputs, self._tokenizer.pad))
        return [b"" if tokens is None else next(coded) for tokens in passages]

    def with_states(self, lookup: Lookup) -> CrossEncoder:
        """Return this model with stored states, which make scoring more than twice as fast.

        `lookup` receives texts and returns the bytes of `states_of` for each text, or None for a text without. A text
        without bytes, and a text that the window cuts, is scored from the text. Scores from states are close to those
        from the text. The returned model shares the weights and the working memory of this model.

        Raises:
            InvalidInput: The model has no layers that compute query and passage apart: see `keeps_states`.
        """
        self._apart()
        other = copy.copy(self)
        other._lookup = lookup
        other.__dict__.pop("fingerprint", None)
        return other

    def states_hash(self) -> str:
        """Return a hash of everything that stored states depend on besides the text; empty without `keeps_states`.

        The parts are the first stage's weights, the tokenizer and the codec. The first call reads the files.
        """
        return self._states_hash

    @functools.cached_property
    def _states_hash(self) -> str:
        return states_hash(self._spec)

    def _apart(self) -> StagedSession:
        if self._codec is None or not isinstance(self._session, StagedSession):
            raise InvalidInput(f"{self.info.name} cannot store states: its layers compute query and passage together")
        return self._session

    def skip_reason(self, query: str) -> Note | None:
        """Return a note if the query is longer than the queries that the model was trained on, or None."""
        longest = self._spec.longest_query
        if longest is None:
            return None
        tokens = self.count_tokens(query)
        if tokens <= longest:
            return None
        return Note("rerank_skipped", reason="query_too_long", tokens=tokens, longest=longest, reranker=self.info.name)

    def weights_hash(self) -> str:
        """See `protocols.HasWeights`. The first call reads the files."""
        return self._weights_hash

    @functools.cached_property
    def _weights_hash(self) -> str:
        return weights_hash(self._spec)

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text`, without special tokens."""
        return self._tokenizer.count(text)


def sigmoid(logit: float) -> float:
    """Return 1 / (1 + exp(-logit)), without overflow."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    return math.exp(logit) / (1.0 + math.exp(logit))
