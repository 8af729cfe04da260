"""Names to parts: the only file that knows every adapter."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shortlist.attributes import is_attribute as is_attribute
from shortlist.attributes import load_attribute
from shortlist.collection import Engine
from shortlist.collection.engines import Engines
from shortlist.collection.server_place import Server
from shortlist.config.fusion import check_fused
from shortlist.config.search_config import FUSION, RETRIEVERS, SearchConfig
from shortlist.encoders import openai
from shortlist.encoders.checked import checked_encoder
from shortlist.encoders.hashed import HashedEncoder
from shortlist.encoders.onnx import OnnxEncoder
from shortlist.encoders.openai import OpenAIEncoder, is_openai
from shortlist.encoders.sentence_transformer import SentenceTransformerEncoder
from shortlist.errors import InvalidInput
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.indexes.qdrant import QdrantEngine
from shortlist.inference.devices import is_torch
from shortlist.inference.pair_tokenizer import PairTokenizer
from shortlist.models import encoder_spec
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.models.packaged import fitted_weights as fitted_weights
from shortlist.protocols import Encoder, Index, Reranker, Retriever
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.rerankers.load import check_reranker as check_reranker
from shortlist.rerankers.load import load_reranker as load_reranker
from shortlist.rerankers.load import passage_room
from shortlist.rerankers.progressive import ProgressiveReranker, read_rules
from shortlist.retrievers import Dense, Hybrid, Lexical
from shortlist.search.retriever import as_retriever
from shortlist.stores.encoder_check import check_encoder
from shortlist.stores.kinds import KINDS, is_store, load_store
from shortlist.stores.store import Store
from shortlist.stores.words import with_words
from shortlist.text import Splitter

ENGINES: Mapping[str, Engine] = {"embedded": EmbeddedEngine()}
"""The engines that an index folder can use, by name. The first one makes new indexes."""

SERVERS: Mapping[str, Server] = {"qdrant": QdrantEngine()}
"""The engines whose indexes are on a server, by name."""

INDEXES = Engines(ENGINES, SERVERS)

RERANKER = CROSS_ENCODER
"""The packaged reranker."""

DROP_RULES = "drop.json"
"""The file with a cross-encoder's drop rules, next to its ONNX files."""

PASSAGE_TOKENS = 200
FEWEST_TOKENS = 64
"""The smallest room for a passage that the splitter accepts."""


def load_encoder(
    name: str = BI_ENCODER,
    *,
    precision: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    as_worker: bool = False,
) -> Encoder:
    """Load a bi-encoder.

    Args:
        name: A packaged name, a folder, a hub id, "package.module:attribute", "openai:MODEL" or "openai:MODEL@URL" for
            an embeddings endpoint, or "hashed-64" for an encoder without a model.
        precision: "auto", "exact" (fp32), "fast", "fp16" or "bf16".
        device: "auto" (CUDA if it is available, otherwise the CPU), "cpu", "cuda", "openvino:NAME" such as
            "openvino:GPU", or "torch:NAME" such as "torch:cuda".
        threads: CPU cores to use. None: all that this process may use.
        as_worker: The model is that of one of several workers; see `OnnxEncoder`.

    Raises:
        ModelNotFound: There is no such model.
        HubUnreachable: The model must be downloaded, and the hub does not answer.
        MissingExtra: The model has no usable ONNX file, and the torch extra is not installed.
        InvalidInput: An unknown precision or device, a device that is not available here, or an attribute that is not
            an encoder.
        HostedRefused: OpenAI needs a key, and OPENAI_API_KEY is not set.
    """
    if is_openai(name):
        return OpenAIEncoder(name)
    if is_attribute(name):
        return checked_encoder(load_attribute(name), name)
    kind, _, size = name.partition("-")
    if kind == "hashed" and size.isdigit():
        return HashedEncoder(int(size))
    spec = encoder_spec(name, weights=is_torch(device))
    if spec.files.onnx is None or (is_torch(device) and spec.files.weights is not None):
        return SentenceTransformerEncoder(spec, precision=precision, device=device)
    return OnnxEncoder(spec, precision=precision, device=device, threads=threads, as_worker=as_worker)


def configured_encoder(config: SearchConfig, name: str) -> Encoder:
    """Load a bi-encoder with the precision, the device and the threads of a configuration. Raises as `load_encoder`."""
    return load_encoder(name, precision=config.precision, device=config.device, threads=config.threads)


def configured_reranker(config: SearchConfig, name: str, *, early_exits: bool = False) -> Reranker:
    """Load a reranker with the precision, the device and the threads of a configuration. Raises as `load_reranker`."""
    precision, device, threads = config.precision, config.device, config.threads
    return load_reranker(name, precision=precision, device=device, threads=threads, early_exits=early_exits)


def encoder_name(name: str) -> str:
    """Return the name that an index stores for the bi-encoder `name`. Raises as `load_encoder`; loads nothing."""
    if is_openai(name):
        return openai.parse(name).name
    if is_attribute(name) or name.startswith("hashed-"):
        return name
    return encoder_spec(name).files.name


def progressive_of(reranker: Reranker) -> Callable[[], Reranker] | None:
    """Return a function that makes the progressive form of a cross-encoder, or None without a stored drop rule.

    Both forms share the model. The function returns the same object at every call.
    """
    if not isinstance(reranker, CrossEncoder) or not (reranker.folder / DROP_RULES).is_file():
        return None
    model = reranker
    return functools.cache(lambda: ProgressiveReranker(model, *read_rules(model.folder / DROP_RULES)))


def make_splitter(bi_encoder: str = BI_ENCODER, reranker: str = CROSS_ENCODER) -> Splitter:
    """Return a splitter whose passages fit the windows of both models, with 64 tokens left for the query.

    The window of a hosted reranker is unknown. It is assumed to hold 200 tokens of a passage.

    Raises:
        InvalidInput: The windows leave too few tokens for a passage.
    """
    room = passage_room(reranker)
    counters: list[Callable[[str], int]] = [room.tokenizer.count]
    limits = [PASSAGE_TOKENS] if room.tokens is None else [PASSAGE_TOKENS, room.tokens]
    if not bi_encoder.startswith("hashed-") and not is_openai(bi_encoder) and not is_attribute(bi_encoder):
        spec = encoder_spec(bi_encoder)
        own = PairTokenizer(spec.files.tokenizer, spec.max_length)
        limits.append(spec.max_length - own.special_tokens - own.count(spec.passage_prompt))
        if spec.files.tokenizer.read_bytes() != room.file.read_bytes():
            counters.append(own.count)
    limit = min(limits)
    if limit < FEWEST_TOKENS:
        raise InvalidInput(f"the windows of {bi_encoder} and {reranker} leave {limit} tokens for a passage: too few")
    count = counters[0] if len(counters) == 1 else lambda text: max(counter(text) for counter in counters)
    return Splitter(count, limit)


def is_retriever(name: str) -> bool:
    """Return whether `name` is a retriever without an index folder: a store, or "package.module:attribute"."""
    return is_store(name) or is_attribute(name)


def load_retriever(
    name: str,
    *,
    encoder: Encoder | None = None,
    fusion: float = FUSION,
    fields: Mapping[str, str] | None = None,
    client: Any = None,
    words: Path | None = None,
) -> Retriever:
    """Return stage one over a store, or your own.

    Args:
        name: `kind:COLLECTION@WHERE` for a store, such as "chroma:notes@./chroma"; see `stores.kinds.KINDS`. Or
            "package.module:attribute" for a retriever, a function `(query, k) -> rows`, or a function or class that
            makes one of these; see `search.retriever.as_retriever`.
        encoder: The bi-encoder that made the vectors of the store. None: the packaged one. Before the first search, a
            stored vector is compared with the encoder's vector of the same text.
        fusion: The weight of the vectors, for a store with vectors and words.
        fields: The names of the store's fields that are not recognised; see `stores.kinds.load_store`.
        client: A client of the store that you have made; the name then needs no WHERE.
        words: For a store that has vectors alone: a folder that keeps BM25; see `stores.words.with_words`.

    Returns:
        Hybrid retrieval over a store with vectors and words, else retrieval by one of them. `index` is the store.

    Raises:
        InvalidInput: An unknown name, collection or field, or a store that another bi-encoder made. See also
            `load_attribute`.
        MissingExtra: The client of the store is not installed.
        StoreUnreachable: The store does not answer.
        StoreRefused: The store refuses the key or the request.
    """
    if isinstance(name, str) and is_store(name):
        return store_retriever(load_store(name, fields, client), encoder, fusion, words)
    if isinstance(name, str) and is_attribute(name):
        return as_retriever(load_attribute(name), name)
    raise InvalidInput(
        f"retriever is {name!r:.80}: write kind:COLLECTION@WHERE with a kind of {', '.join(KINDS)}, or "
        "package.module:attribute",
        field="retriever",
    )


def store_retriever(
    store: Store,
    encoder: Encoder | None = None,
    fusion: float = FUSION,
    words: Path | None = None,
    language: str | None = None,
) -> Retriever:
    """Return stage one over an open store; see `load_retriever`. `language` is that of BM25 for `words`."""
    if words is not None:
        store = with_words(store, words, next(iter(ENGINES.values())), language)
    if not store.has_vectors:
        return Lexical(store)
    encoder = load_encoder() if encoder is None else encoder
    check_encoder(store, encoder)
    return Hybrid(store, encoder, fusion=fusion) if store.has_words else Dense(store, encoder)


def make_retriever(name: str, index: Index, encoder: Encoder | None, fusion: float = FUSION) -> Retriever:
    """Return stage one over an index: "hybrid", "dense" or "bm25", or a retriever of its own, as `load_retriever`.

    Raises:
        InvalidInput: See `load_retriever`. Or a fusion weight, and a retriever that fuses no lists.
    """
    if fusion != FUSION:
        check_fused(name)
    if name not in RETRIEVERS:
        return load_retriever(name, encoder=encoder, fusion=fusion)
    if name == "bm25" or encoder is None:
        return Lexical(index)
    return Dense(index, encoder) if name == "dense" else Hybrid(index, encoder, fusion=fusion)
