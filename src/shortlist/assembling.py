"""The `Search` of an open index and of an open retriever, from their parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shortlist import registry
from shortlist.collection.fits import StoredFits
from shortlist.collection.place import TextFiles
from shortlist.protocols import Encoder, Reranker, Retriever
from shortlist.retrievers.engine import named_with_fusion
from shortlist.search.opened import Opened
from shortlist.search.search import Search
from shortlist.types import Hit, Note, Where


def assembled(
    opened: Opened,
    stage_one: Callable[[], tuple[Retriever, Encoder | None]],
    stage_two: Callable[[], Reranker | None],
    *,
    place: Path | TextFiles,
    name: str,
    diagnose: Callable[[Where | None], list[Note]],
    facts: Callable[[Sequence[Hit]], list[Note]],
) -> Search:
    """Return the search over what is open. Both stages are loaded side by side.

    The weights are those that were fitted for the bi-encoder of the retriever and the reranker, if there are any.

    Args:
        opened: The open index or retriever, with its configuration, its bi-encoder and its number of passages.
        stage_one: Loads the retriever, and its bi-encoder if the search uses one.
        stage_two: Loads the reranker; None gives stage one's order.
        place: Where fits are stored: a folder, or texts elsewhere.
        name: The name of the retriever for fits.
        diagnose: See `Search`.
        facts: See `Search`.
    """
    with ThreadPoolExecutor(1) as loaders:
        loading = loaders.submit(stage_two)
        retriever, encoder = stage_one()
        reranker = loading.result()
    return Search(
        retriever,
        reranker,
        opened.config,
        progressive=None if reranker is None else registry.progressive_of(reranker),
        encoder=encoder,
        fits=StoredFits(place, opened.bi_encoder, named_with_fusion(name, retriever), reranker, opened.count),
        diagnose=diagnose,
        facts=facts,
    )
