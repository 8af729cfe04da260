"""What a server is made of, and how a route gets at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from shortlist.protocols import Encoder, Index
from shortlist.redaction import Names
from shortlist.search.pipeline import Shortlist
from shortlist.server.batching.embedder import Embedder
from shortlist.server.batching.scorer import Scorer
from shortlist.server.middleware.observer import NoWatch, Watch
from shortlist.server.middleware.tracing import RerankSpans
from shortlist.server.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """`scorer` serves rerank requests, `shortlist` searches, `encoder` embeddings; a None part's routes say so.

    Searches use the retriever and the weights of `shortlist`, and score through `scorer`; where the reranker of
    `shortlist` is None they stay in stage one's order. `labels` maps the text of a judged query to its judgments:
    passage id -> grade. `names` keeps this host's folders out of the answers. `watch` is told what a search did, and
    `spans` of each rerank. `index` is where `/why` finds a passage by its id. `embedder` None embeds each request in a
    thread by itself.
    """

    scorer: Scorer | None
    shortlist: Shortlist | None = None
    encoder: Encoder | None = None
    settings: ServerSettings = field(default_factory=ServerSettings)
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    index: Index | None = None
    embedder: Embedder | None = None
    watch: Watch = field(default_factory=NoWatch)
    spans: RerankSpans = field(default_factory=RerankSpans)


def parts_of(request: Request) -> Parts:
    """The parts of the server that this request came to."""
    return cast("Parts", request.app.state.parts)
