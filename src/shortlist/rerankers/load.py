"""Names to rerankers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from shortlist.attributes import is_attribute, load_attribute
from shortlist.inference.devices import is_torch
from shortlist.inference.pair_tokenizer import PairTokenizer
from shortlist.models import cross_encoder_spec, late_interaction_spec
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.rerankers import names
from shortlist.rerankers.chat import ChatReranker, is_chat
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.rerankers.hosted import HostedReranker
from shortlist.rerankers.late_interaction import PREFIX, LateInteraction, is_late_interaction
from shortlist.rerankers.sentence_transformer import SentenceTransformerReranker
from shortlist.search.ranked import RanksDocuments
from shortlist.search.scores import checked_reranker

QUERY_TOKENS = 64
"""The room that passages leave for a query in the window of a cross-encoder."""


def load_reranker(
    name: str = CROSS_ENCODER,
    *,
    precision: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    early_exits: bool = False,
    as_worker: bool = False,
) -> RanksDocuments:
    """Load a reranker. The arguments and errors are those of `load_encoder`.

    "vendor:model", "vendor:URL" and "vendor:model@URL" name a hosted reranker, such as "cohere:rerank-v3.5", or
    "openai-list:MODEL" for a chat model. Loading a hosted reranker sends no request. Precision, device, threads and
    `as_worker` apply to local models only. "colbert:NAME" names a late-interaction model by its folder or hub id.
    `early_exits` loads the form of the model that progressive searches use; see `CrossEncoder`. The object that
    "package.module:attribute" names is returned as it is, and may have no method `rank`.

    Raises:
        HostedRefused: A hosted reranker needs a key, and its environment variable is not set.
    """
    if names.is_hosted(name):
        return ChatReranker(name) if is_chat(name) else HostedReranker(name)
    if is_late_interaction(name):
        return LateInteraction(name, precision=precision, threads=threads, device=device, as_worker=as_worker)
    if is_attribute(name):
        return cast("RanksDocuments", checked_reranker(load_attribute(name)))
    spec = cross_encoder_spec(name, weights=is_torch(device))
    if spec.files.onnx is None and not (is_torch(device) and spec.files.weights is not None):
        return SentenceTransformerReranker(spec, precision=precision, device=device)
    return CrossEncoder(
        name, precision=precision, device=device, threads=threads, early_exits=early_exits, as_worker=as_worker
    )


def check_reranker(name: str) -> None:
    """Check that `name` is a usable reranker, as far as that is known without loading it. No request is sent.

    Raises:
        ModelNotFound, HubUnreachable: As `load_reranker`.
        HostedRefused: A hosted reranker needs a key, and its environment variable is not set.
        InvalidInput: The name of a hosted reranker lacks its model or URL.
    """
    if names.is_hosted(name):
        names.check(name)
    elif is_late_interaction(name):
        late_interaction_spec(name.removeprefix(PREFIX))
    elif not is_attribute(name):
        cross_encoder_spec(name)


@dataclass(frozen=True, slots=True)
class PassageRoom:
    """How much of a passage a reranker reads: at most `tokens` of its tokenizer, which `file` holds.

    `tokens` is None if the reranker does not tell. The tokenizer is then that of the packaged reranker.
    """

    tokenizer: PairTokenizer
    file: Path
    tokens: int | None


def passage_room(name: str) -> PassageRoom:
    """Return the room for a passage in the window of the reranker `name`. Raises as `check_reranker`."""
    if is_late_interaction(name):
        late = late_interaction_spec(name.removeprefix(PREFIX))
        tokenizer = PairTokenizer(late.files.tokenizer, late.passage_length)
        return PassageRoom(tokenizer, late.files.tokenizer, late.passage_length - tokenizer.special_tokens - 1)
    unknown = names.is_hosted(name) or is_attribute(name)
    cross = cross_encoder_spec(CROSS_ENCODER if unknown else name)
    tokenizer = PairTokenizer(cross.files.tokenizer, cross.max_length)
    room = None if unknown else cross.max_length - QUERY_TOKENS - tokenizer.special_tokens
    return PassageRoom(tokenizer, cross.files.tokenizer, room)
