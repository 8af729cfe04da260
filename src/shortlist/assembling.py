"""The `Search` of an open index and of an open retriever, from their parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shortlist import registry
from shortlist.collection.fits import StoredFits
from shortlist.collection.place import TextFiles
from shortlist.config.search_config import FUSION
from shortlist.protocols import Encoder, Fuses, Reranker, Retriever
from shortlist.retrievers.hybrid import named_with_fusion
from shortlist.search.encoded_pool import EncodedPool
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

    The weights are those that were fitted for the bi-encoder of the retriever and the reranker, if there are any. With
    a `pool_encoder` in the configuration, the retriever has its cosines, and fits have a name of their own.

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
    fusion = retriever.fusion if isinstance(retriever, Fuses) else FUSION
    config, name = opened.config, named_with_fusion(name, retriever)
    if config.pool_encoder is not None:
        of_pool = registry.configured_encoder(config, config.pool_encoder)
        retriever, encoder = EncodedPool(retriever, of_pool), encoder or of_pool
        name = f"{name} with the cosine of {config.pool_encoder}"
    return Search(
        retriever,
        reranker,
        config,
        progressive=None if reranker is None else registry.progressive_of(reranker),
        encoder=encoder,
        fits=StoredFits(place, opened.bi_encoder, name, reranker, opened.count, fusion),
        diagnose=diagnose,
        facts=facts,
    )
