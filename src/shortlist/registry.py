"""Names to working parts: the one file that knows every adapter."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from shortlist.collection.fits import Beside
from shortlist.encoders.hashed import HashedEncoder
from shortlist.encoders.onnx import OnnxEncoder
from shortlist.encoders.sentence_transformer import SentenceTransformerEncoder
from shortlist.errors import InvalidInput
from shortlist.indexes.embedded import EmbeddedIndex, why_nothing
from shortlist.inference.pair_tokenizer import Words
from shortlist.models import cross_encoder_spec, encoder_spec
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, ROOT
from shortlist.protocols import Encoder, Reranker, Retriever
from shortlist.rerankers import vendors
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.rerankers.hosted import HostedReranker, key_of
from shortlist.rerankers.progressive import ProgressiveReranker, read_rules
from shortlist.rerankers.sentence_transformer import SentenceTransformerReranker
from shortlist.retrievers.engine import FUSION, Dense, Hybrid, Lexical, named_with_fusion
from shortlist.search.explain import Why, explain
from shortlist.search.pipeline import POOL_SIZE, K, Shortlist, above
from shortlist.search.probability import leave_out
from shortlist.text import Splitter
from shortlist.types import PoolSize, Ranking, Where

RETRIEVERS = ("hybrid", "dense", "bm25")
PASSAGE_TOKENS = 200
QUERY_TOKENS = 64
"""Room that the splitter leaves for a query in the cross-encoder's window."""


def load_encoder(name: str = BI_ENCODER, *, precision: str = "auto", threads: int | None = None) -> Encoder:
    """The bi-encoder `name`: a packaged name, a folder, a hub id, or `hashed-64` for one without a model.

    Raises:
        ModelNotFound: No such model.
        HubUnreachable: It has to be downloaded and the hub does not answer.
        MissingExtra: It has no usable ONNX file and the torch extra is not installed.
    """
    kind, _, size = name.partition("-")
    if kind == "hashed" and size.isdigit():
        return HashedEncoder(int(size))
    spec = encoder_spec(name)
    if spec.files.onnx is None:
        return SentenceTransformerEncoder(spec)
    return OnnxEncoder(spec, precision=precision, threads=threads)


def load_reranker(name: str = CROSS_ENCODER, *, precision: str = "auto", threads: int | None = None) -> Reranker:
    """The cross-encoder `name`; accepts and raises as `load_encoder` does.

    `vendor:model`, `vendor:URL` and `vendor:model@URL` name a hosted one, such as `cohere:rerank-v3.5` or
    `tei:http://127.0.0.1:8080`; nothing is sent before it scores. `precision` and `threads` do not matter to it.

    Raises:
        HostedRefused: A hosted one needs a key and its environment variable is not set.
    """
    if vendors.is_hosted(name):
        return HostedReranker(name)
    spec = cross_encoder_spec(name)
    if spec.files.onnx is None:
        return SentenceTransformerReranker(spec)
    return CrossEncoder(name, precision=precision, threads=threads)


def load_progressive(name: str = CROSS_ENCODER, *, precision: str = "auto", threads: int | None = None) -> Reranker:
    """The cross-encoder `name` under the drop rule that was fitted for it; raises as `load_reranker` does.

    Raises:
        InvalidInput: The model has no early exits, or no rule was fitted for it.
    """
    path = ROOT / name / "drop.json"
    if vendors.is_hosted(name) or not path.is_file():
        raise InvalidInput(f"{name} has no early exits with a fitted drop rule: search without --progressive")
    model = CrossEncoder(name, precision=precision, threads=threads, early_exits=True)
    return ProgressiveReranker(model, *read_rules(path))


def check_hosted(name: str) -> None:
    """Passes where `name` is no hosted reranker, or one that can be asked; sends nothing.

    Raises:
        InvalidInput: It lacks its model or URL.
        HostedRefused: Its key is not set.
    """
    if vendors.is_hosted(name):
        key_of(vendors.parse(name))


def fitted_weights(bi_encoder: str, cross_encoder: str, blend: float = 1.0) -> dict[str, float]:
    """The weights of stage-one signals that were fitted for this pair of models, times `blend`; none where none were.

    Raises:
        InvalidInput: `blend` is negative, infinite or NaN.
    """
    if not math.isfinite(blend) or blend < 0:
        raise InvalidInput(f"blend must be 0 (off) or more, not {blend}")
    path = ROOT / cross_encoder / "blend.json"
    if blend == 0 or vendors.is_hosted(cross_encoder) or not path.is_file():
        return {}
    fitted = json.loads(path.read_text(encoding="utf-8")).get(bi_encoder, {})
    return {name: blend * float(weight) for name, weight in fitted.items()}


def make_splitter(bi_encoder: str = BI_ENCODER, cross_encoder: str = CROSS_ENCODER) -> Splitter:
    """A splitter whose passages fit the windows of both models, with 64 tokens left for the query.

    The window of a hosted cross-encoder is not known here and taken as wide enough for 200 tokens.
    """
    counters: list[Callable[[str], int]] = []
    limits = [PASSAGE_TOKENS]
    hosted = vendors.is_hosted(cross_encoder)
    cross = cross_encoder_spec(CROSS_ENCODER if hosted else cross_encoder)
    words = Words(cross.files.tokenizer, cross.max_length)
    counters.append(words.count)
    if not hosted:
        limits.append(cross.max_length - QUERY_TOKENS - words.special_tokens)
    if not bi_encoder.startswith("hashed-"):
        spec = encoder_spec(bi_encoder)
        own = Words(spec.files.tokenizer, spec.max_length)
        limits.append(spec.max_length - own.special_tokens - own.count(spec.passage_prompt))
        if spec.files.tokenizer.read_bytes() != cross.files.tokenizer.read_bytes():
            counters.append(own.count)
    limit = min(limits)
    if limit < QUERY_TOKENS:
        raise InvalidInput(
            f"the windows of {bi_encoder} and {cross_encoder} leave {limit} tokens for a passage: too few"
        )
    count = counters[0] if len(counters) == 1 else lambda text: max(counter(text) for counter in counters)
    return Splitter(count, limit)


@dataclass(frozen=True, slots=True)
class Settings:
    """How an index is searched. `cross_encoder` None means stage one alone.

    `blend` scales the weights of the stage-one signals in the final score: 1 as they are, 0 the logit alone. They are
    those fitted for the pair of models unless `weights` names others. `fusion` is the vectors' share in the hybrid
    retriever's order, 0 to 1. `progressive` scores what stage one
    leaves a chance at the model's early exits and only the better part to the end: faster, but no longer pointwise.
    """

    retriever: str = "hybrid"
    bi_encoder: str | None = None
    cross_encoder: str | None = CROSS_ENCODER
    precision: str = "auto"
    blend: float = 1.0
    threads: int | None = None
    weights: Mapping[str, float] | None = None
    progressive: bool = False
    fusion: float = FUSION


class OpenIndex:
    """An index folder with its models loaded, ready to search. Close it, or use it as a context manager."""

    def __init__(
        self, index: EmbeddedIndex, shortlist: Shortlist, encoder: Encoder | None = None, retriever: str = "own"
    ) -> None:
        self.index = index
        self.shortlist = shortlist
        self.encoder = encoder
        named = named_with_fusion(retriever, shortlist.retriever)
        self.beside = Beside(
            index.folder, index.manifest.encoder, named, shortlist.reranker, shortlist.weights, lambda: len(index)
        )

    def search(
        self,
        query: str,
        *,
        pool_size: PoolSize = POOL_SIZE,
        k: int = K,
        where: Where | None = None,
        tail: bool = False,
        threshold: float | None = None,
        min_probability: float | None = None,
    ) -> Ranking:
        """See `Shortlist.search`. `pool_size` "auto" follows the rule stored beside the index; see `Beside.pool`.

        With `threshold`, hits whose final score is below it are left out; see `pipeline.above`. With
        `min_probability`, so are hits below that probability of being relevant, by the curve stored beside the index;
        see `fitted.leave_out`. With both, a hit has to reach both.

        Raises:
            NotFitted: What is stored was fitted for something else, or a probability is asked for and none is stored.
            InvalidInput: As `Shortlist.search`; a threshold that is no number; or a probability together with `tail`,
                or without a pointwise reranker.
        """
        calibration = None if min_probability is None else self.beside.calibration(tail=tail)
        size, said = self.beside.pool(pool_size, POOL_SIZE)
        ranking = self.shortlist.search(query, pool_size=size, k=k, where=where, tail=tail)
        ranking = above(ranking, threshold)
        if calibration is not None and min_probability is not None:
            ranking = replace(leave_out(ranking, calibration, min_probability), doubt=self.beside.doubt())
        if not ranking.hits and not ranking.no_good_answer:
            ranking = replace(ranking, no_good_answer=why_nothing(self.index, where))
        why = "; ".join(one for one in (ranking.why_stopped, said) if one)
        return replace(ranking, query_cut=self.cuts_query(query), why_stopped=why)

    def cuts_query(self, query: str) -> bool:
        """Whether the bi-encoder reads only the start of this query."""
        return isinstance(self.encoder, OnnxEncoder) and self.encoder.cuts_query(query)

    def why(self, query: str, a: str, b: str) -> Why:
        """Which words of the query decide that passage `a` stands above passage `b`, both by id. See `why.explain`.

        Raises:
            InvalidInput: The index holds no passage with such an id, the ids are the same, or a stage has no model.
        """
        if a == b:
            raise InvalidInput(f"both ids are {a!r}: give two passages to hold against each other")
        held = {passage.id: passage for passage in self.index.get([a, b])}
        lost = [one for one in (a, b) if one not in held]
        if lost:
            raise InvalidInput(
                f"the index holds no passage {' and no passage '.join(map(repr, lost))}: "
                "`shortlist search --json` shows the ids of passages"
            )
        reranker = self.shortlist.reranker
        if self.encoder is None or reranker is None:
            raise InvalidInput("both stages are held against each other: open the index with both models")
        return explain(query, held[a].content, held[b].content, self.encoder, reranker)

    def close(self) -> None:
        """Lets the folder go; calling it twice is fine."""
        self.index.close()

    def __enter__(self) -> OpenIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_index(folder: Path | str, settings: Settings | None = None) -> OpenIndex:
    """The index in `folder`, with the bi-encoder that it was made with and the cross-encoder of `settings`.

    Raises:
        NotAnIndex: No index there.
        IndexMismatch: `settings.bi_encoder` is not the one it was made with.
        IndexLocked: Another process holds it.
        ModelNotFound: No such model.
        InvalidInput: An unknown retriever or precision.
    """
    wanted = settings or Settings()
    if wanted.retriever not in RETRIEVERS:
        raise InvalidInput(f"retriever {wanted.retriever!r} is unknown; choose one of {', '.join(RETRIEVERS)}")
    named = wanted.bi_encoder and (
        wanted.bi_encoder if wanted.bi_encoder.startswith("hashed-") else encoder_spec(wanted.bi_encoder).files.name
    )
    index = EmbeddedIndex.open(Path(folder), encoder_name=named)
    try:
        with ThreadPoolExecutor(2) as loaders:
            reranker = loaders.submit(_reranker, wanted)
            encoder = loaders.submit(_encoder, index, wanted)
            weights = _weights(index.manifest.encoder, wanted)
            retriever = _retriever(index, wanted, encoder.result())
            searcher = Shortlist(retriever, reranker.result(), weights=weights)
            return OpenIndex(index, searcher, encoder.result(), wanted.retriever)
    except BaseException:
        index.close()
        raise


def _weights(bi_encoder: str, wanted: Settings) -> dict[str, float]:
    fitted = fitted_weights(bi_encoder, wanted.cross_encoder or "", wanted.blend)
    if wanted.weights is None:
        return fitted
    return {name: wanted.blend * weight for name, weight in wanted.weights.items() if wanted.blend}


def _reranker(wanted: Settings) -> Reranker | None:
    if wanted.cross_encoder is None:
        return None
    load = load_progressive if wanted.progressive else load_reranker
    return load(wanted.cross_encoder, precision=wanted.precision, threads=wanted.threads)


def _encoder(index: EmbeddedIndex, wanted: Settings) -> Encoder | None:
    if wanted.retriever == "bm25":
        return None
    return load_encoder(index.manifest.encoder, precision=wanted.precision, threads=wanted.threads)


def _retriever(index: EmbeddedIndex, wanted: Settings, encoder: Encoder | None) -> Retriever:
    if encoder is None:
        return Lexical(index)
    return Dense(index, encoder) if wanted.retriever == "dense" else Hybrid(index, encoder, fusion=wanted.fusion)
