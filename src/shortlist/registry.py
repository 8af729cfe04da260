"""Names to parts: the only file that knows every adapter."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shortlist.collection import Collection, Engine
from shortlist.config.search_config import FUSION
from shortlist.encoders.hashed import HashedEncoder
from shortlist.encoders.onnx import OnnxEncoder
from shortlist.encoders.sentence_transformer import SentenceTransformerEncoder
from shortlist.errors import InvalidInput
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.inference.pair_tokenizer import Words
from shortlist.models import cross_encoder_spec, encoder_spec
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, ROOT
from shortlist.protocols import Encoder, Index, Reranker, Retriever
from shortlist.rerankers import vendors
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.rerankers.hosted import HostedReranker, key_of
from shortlist.rerankers.progressive import ProgressiveReranker, read_rules
from shortlist.rerankers.sentence_transformer import SentenceTransformerReranker
from shortlist.retrievers.engine import Dense, Hybrid, Lexical
from shortlist.search.scores import checked_reranker, info_of
from shortlist.text import Splitter

ENGINES: Mapping[str, Engine] = {"embedded": EmbeddedEngine()}
"""The engines that an index folder can use, by name."""

RERANKER = CROSS_ENCODER
"""The packaged reranker."""

PASSAGE_TOKENS = 200
QUERY_TOKENS = 64
"""The room that the splitter leaves for a query in the reranker's window."""


def load_encoder(
    name: str = BI_ENCODER, *, precision: str = "auto", device: str = "auto", threads: int | None = None
) -> Encoder:
    """Load a bi-encoder.

    Args:
        name: A packaged name, a folder, a hub id, "package.module:attribute", or `hashed-64` for one without a model.
        precision: "auto", "exact" (fp32) or "fast".
        device: "auto", "cpu", "cuda", or "openvino:GPU".
        threads: CPU cores to use. None: all that this process may use.

    Raises:
        ModelNotFound: There is no such model.
        HubUnreachable: The model must be downloaded, and the hub does not answer.
        MissingExtra: The model has no usable ONNX file, and the torch extra is not installed.
        InvalidInput: An unknown precision or device, or an attribute that is not an encoder.
    """
    if is_attribute(name):
        return checked_encoder(load_attribute(name), name)
    kind, _, size = name.partition("-")
    if kind == "hashed" and size.isdigit():
        return HashedEncoder(int(size))
    spec = encoder_spec(name)
    if spec.files.onnx is None:
        return SentenceTransformerEncoder(spec, device=device)
    return OnnxEncoder(spec, precision=precision, device=device, threads=threads)


def load_reranker(
    name: str = CROSS_ENCODER, *, precision: str = "auto", device: str = "auto", threads: int | None = None
) -> Reranker:
    """Load a reranker. The arguments and errors are those of `load_encoder`.

    `vendor:model`, `vendor:URL` and `vendor:model@URL` name a hosted reranker, such as `cohere:rerank-v3.5` or
    `tei:http://127.0.0.1:8080`. Loading one sends nothing.

    Raises:
        HostedRefused: A hosted reranker needs a key, and its environment variable is not set.
    """
    if vendors.is_hosted(name):
        return HostedReranker(name)
    if is_attribute(name):
        return checked_reranker(load_attribute(name))
    spec = cross_encoder_spec(name)
    if spec.files.onnx is None:
        return SentenceTransformerReranker(spec, device=device)
    return CrossEncoder(name, precision=precision, device=device, threads=threads)


def is_attribute(name: str) -> bool:
    """Return whether the name has the form `package.module:attribute`."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *attribute.split(".")))


def load_attribute(name: str) -> Any:
    """Return the object that `package.module:attribute` names; a function or a class is called without arguments.

    Raises:
        InvalidInput: The module cannot be imported, has no such attribute, or the call fails.
    """
    module, _, attribute = name.partition(":")
    try:
        made: Any = importlib.import_module(module)
        for part in attribute.split("."):
            made = getattr(made, part)
        return made() if callable(made) and not _is_part(made) else made
    except Exception as error:  # a module of the user's own may raise anything
        raise InvalidInput(f"{name} cannot be loaded: {type(error).__name__}: {error}") from error


def _is_part(made: object) -> bool:
    methods = ("score", "retrieve", "encode_queries")
    return not isinstance(made, type) and any(callable(getattr(made, method, None)) for method in methods)


def checked_encoder(encoder: Any, name: str) -> Encoder:
    """Return the encoder.

    Raises:
        InvalidInput: It lacks a method of `protocols.Encoder`.
    """
    if not all(callable(getattr(encoder, method, None)) for method in ("encode_queries", "encode_passages")):
        raise InvalidInput(f"{name} is {encoder!r:.80}, which has no methods encode_queries and encode_passages")
    made: Encoder = encoder
    return made


def encoder_name(name: str) -> str:
    """Return the name that an index stores for the bi-encoder `name`. Raises as `load_encoder`; loads nothing."""
    if is_attribute(name) or name.startswith("hashed-"):
        return name
    return encoder_spec(name).files.name


def check_reranker(name: str) -> None:
    """Check that `name` is a usable reranker, as far as that is known without loading it. No request is sent.

    Raises:
        ModelNotFound, HubUnreachable: As `load_reranker`.
        HostedRefused: A hosted reranker needs a key, and its environment variable is not set.
        InvalidInput: The name of a hosted reranker lacks its model or URL.
    """
    if vendors.is_hosted(name):
        key_of(vendors.parse(name))
    elif not is_attribute(name):
        cross_encoder_spec(name)


def progressive_of(reranker: Reranker) -> Callable[[], Reranker] | None:
    """Return a function that makes the progressive form of a cross-encoder, or None if it has no drop rule."""
    path = ROOT / info_of(reranker).name / "drop.json"
    if not isinstance(reranker, CrossEncoder) or not path.is_file():
        return None
    model = reranker
    return lambda: ProgressiveReranker(model, *read_rules(path))


def fitted_weights(bi_encoder: str, reranker: str) -> dict[str, float]:
    """Return the weights of stage-one signals that were fitted for this pair of models; none if none were fitted."""
    path = ROOT / reranker / "blend.json"
    if vendors.is_hosted(reranker) or not path.is_file():
        return {}
    weights = json.loads(path.read_text(encoding="utf-8")).get(bi_encoder, {})
    return {name: float(weight) for name, weight in weights.items()}


def make_splitter(bi_encoder: str = BI_ENCODER, reranker: str = CROSS_ENCODER) -> Splitter:
    """Return a splitter whose passages fit the windows of both models, with 64 tokens left for the query.

    The window of a hosted reranker is unknown. It is assumed to hold 200 tokens of a passage.

    Raises:
        InvalidInput: The windows leave too few tokens for a passage.
    """
    counters: list[Callable[[str], int]] = []
    limits = [PASSAGE_TOKENS]
    unknown = vendors.is_hosted(reranker) or is_attribute(reranker)
    cross = cross_encoder_spec(CROSS_ENCODER if unknown else reranker)
    words = Words(cross.files.tokenizer, cross.max_length)
    counters.append(words.count)
    if not unknown:
        limits.append(cross.max_length - QUERY_TOKENS - words.special_tokens)
    if not bi_encoder.startswith("hashed-") and not is_attribute(bi_encoder):
        spec = encoder_spec(bi_encoder)
        own = Words(spec.files.tokenizer, spec.max_length)
        limits.append(spec.max_length - own.special_tokens - own.count(spec.passage_prompt))
        if spec.files.tokenizer.read_bytes() != cross.files.tokenizer.read_bytes():
            counters.append(own.count)
    limit = min(limits)
    if limit < QUERY_TOKENS:
        raise InvalidInput(f"the windows of {bi_encoder} and {reranker} leave {limit} tokens for a passage: too few")
    count = counters[0] if len(counters) == 1 else lambda text: max(counter(text) for counter in counters)
    return Splitter(count, limit)


def make_retriever(name: str, index: Index, encoder: Encoder | None, fusion: float = FUSION) -> Retriever:
    """Return stage one over an index: "hybrid", "dense" or "bm25", or the retriever of `package.module:attribute`."""
    if is_attribute(name):
        return checked_retriever(load_attribute(name), name)
    if name == "bm25" or encoder is None:
        return Lexical(index)
    return Dense(index, encoder) if name == "dense" else Hybrid(index, encoder, fusion=fusion)


def checked_retriever(retriever: Any, name: str) -> Retriever:
    """Return the retriever.

    Raises:
        InvalidInput: It has no method `retrieve`.
    """
    if not callable(getattr(retriever, "retrieve", None)):
        raise InvalidInput(f"{name} is {retriever!r:.80}, which has no method retrieve(query, k, where)")
    made: Retriever = retriever
    return made


def open_collection(folder: Path, *, bi_encoder: str | None = None) -> Collection:
    """Return the index in `folder`; see `Collection.open`. `bi_encoder` must be the index's own if it is given."""
    return Collection.open(folder, ENGINES, encoder_name=None if bi_encoder is None else encoder_name(bi_encoder))


def create_collection(folder: Path, encoder: Encoder, name: str) -> Collection:
    """Return a new index in `folder` for the vectors of `encoder`, which `name` names; see `Collection.create`."""
    return Collection.create(folder, ENGINES, encoder_name=encoder_name(name), dimension=encoder.dimension)
