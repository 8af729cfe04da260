"""`shortlist.open`, and the function that opens what a configuration searches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from shortlist import collection as collections
from shortlist import registry
from shortlist.collection import Collection
from shortlist.collection.copy import CopyReport, copy
from shortlist.collection.manifest import Manifest
from shortlist.config import SearchConfig, checked_config
from shortlist.config.fusion import check_effect
from shortlist.config.places import INDEX
from shortlist.errors import InvalidInput
from shortlist.foreign import OpenRetriever, open_retriever
from shortlist.index import OpenIndex, open_index
from shortlist.protocols import Reranker, Scorer
from shortlist.redaction import without_secrets
from shortlist.search.scores import checked_reranker
from shortlist.several import OpenCollections, is_several, named_places
from shortlist.stores.kinds import is_store

Places: TypeAlias = "str | Path | Sequence[str | Path] | None"
"""The place of an index, or the places of several collections."""

if TYPE_CHECKING:
    from shortlist.search.opened import Opened


@overload
def open_by_name(
    path: Path,
    *,
    create: bool = False,
    config: SearchConfig | None = None,
    reranker: Scorer | None = None,
    state: str | Path | None = None,
    boosts: None = None,
) -> OpenIndex: ...
@overload
def open_by_name(
    path: str,
    *,
    create: bool = False,
    config: SearchConfig | None = None,
    reranker: Scorer | None = None,
    state: str | Path | None = None,
    boosts: None = None,
) -> OpenIndex | Any: ...
@overload
def open_by_name(
    path: list[str] | list[Path] | list[str | Path] | tuple[str | Path, ...] | Mapping[str, str | Path],
    *,
    create: bool = False,
    config: SearchConfig | None = None,
    reranker: Scorer | None = None,
    state: str | Path | None = None,
    boosts: Mapping[str, float] | None = None,
) -> OpenCollections: ...
def open_by_name(
    path: str | Path | Sequence[str | Path] | Mapping[str, str | Path],
    *,
    create: bool = False,
    config: SearchConfig | None = None,
    reranker: Scorer | None = None,
    state: str | Path | None = None,
    boosts: Mapping[str, float] | None = None,
) -> OpenIndex | Any:
    """Open an index, a store, or a retriever of your own. Close it, or use it in a `with` statement.

    Models are found now and loaded when they are first needed, once for all uses.

    Args:
        path: Several places, which are searched together: see `several.OpenCollections`. Or the index folder; an index
            on a server, such as "qdrant:notes@http://127.0.0.1:6333"; a store, such as "chroma:notes@./chroma"; or
            "package.module:attribute". A `Path`, and the name of an existing folder, are always an index folder. A
            collection on a server is an index if shortlist made it, and otherwise a store.
        create: Make a new index if there is none.
        config: Models and settings. Without it, the packaged models and the default settings apply.
        reranker: A reranker that is loaded already, or one of your own; it replaces the one of `config`.
        state: The folder for the fits of a store or a retriever of your own. None: `.shortlist-state`.
        boosts: The boosts of collections by name, for several places: see `search.merged.Part`.

    Returns:
        An `OpenIndex`, which adds, removes and searches; an `OpenRetriever`, which searches; or `OpenCollections`. (The
        annotation is wider, because a type checker cannot tell which one a string gives.)

    Raises:
        InvalidInput: `config` has a weight of an unknown signal or a fusion weight without effect, its reranker cannot
            precompute and a new index must, or a retriever cannot be made.
        NotAnIndex: The folder contains no index, and `create` is False; or it contains other things.
        IndexMismatch: The index was made with another bi-encoder than `config` names, or in another format.
        IndexLocked: The index is open already, in this or another process.
        ModelNotFound: There is no such model.
        StoreError: The store does not answer, or refuses the request.
        MissingExtra: The client of the store is not installed.
    """
    config = checked_config(config)
    own = None if reranker is None else checked_reranker(reranker)
    if not isinstance(path, str | Path):
        if not isinstance(path, Iterable):
            raise InvalidInput(f"path is {path!r:.80}: give the place of an index as a string or a Path, or several")
        if create:
            raise InvalidInput("several collections are searched together and never made: leave out create")
        return open_collections(path, config, state=state, reranker=own, boosts=boosts)
    if boosts is not None:
        raise InvalidInput("boosts compare collections: give a list of several places", field="boosts")
    if isinstance(path, Path) or _is_index(path, create, config):
        _check_state(path, state)
        return open_index(path, create=create, config=config, reranker=own)
    if create:
        raise InvalidInput(f"{without_secrets(path)} is a retriever, which is read and never made: leave out create")
    if config.is_foreign and config.retriever != path:
        raise InvalidInput(
            f"{without_secrets(path)} is opened with the retriever {without_secrets(config.retriever)}: name "
            "one of the two",
            field="retriever",
        )
    return open_retriever(config.override({"retriever": path}), state=state, reranker=own)


def open_collections(
    places: Sequence[str | Path] | Mapping[str, str | Path],
    config: SearchConfig,
    *,
    state: str | Path | None = None,
    reranker: Reranker | None = None,
    boosts: Mapping[str, float] | None = None,
) -> OpenCollections:
    """Open several collections, and return them as one. See `open_by_name` and `several.named_places`.

    Raises:
        InvalidInput: Collections, a retriever or boosts that cannot be used together, or as `open_by_name`.
        FolderError, ModelError, StoreError, MissingExtra: As `open_by_name`.
    """
    named = named_places(places)
    if config.is_foreign:
        raise InvalidInput(
            f"several collections are named, and the retriever {without_secrets(config.retriever)}, too: name the "
            "store as a collection",
            field="retriever",
        )
    if reranker is None and config.reranker_name is not None:
        registry.check_reranker(config.reranker_name)
    parts: dict[str, Opened] = {}
    alone = config.override({"rerank": False})
    try:
        for name, place in named.items():
            if isinstance(place, str) and not _is_index(place, False, config):
                parts[name] = open_retriever(alone.override({"retriever": place}), state=state, check_fusion=False)
            else:
                parts[name] = open_by_name(place, config=alone)
        check_effect(config.fusion, any(part.fuses for part in parts.values()), ", ".join(parts))
        return OpenCollections(parts, config, boosts=boosts, reranker=reranker)
    except BaseException:
        for part in parts.values():
            part.close()
        raise


def _check_state(index: str | Path, state: str | Path | None) -> None:
    """Raise an error for a folder of fits beside an index."""
    if state is not None:
        shown = without_secrets(str(index))
        raise InvalidInput(f"{shown} is an index with its own fits: leave out state", field="state")


def _is_index(path: str, create: bool, config: SearchConfig) -> bool:
    """Return whether a name means an index. The server decides about a collection."""
    if not registry.is_retriever(path) or collections.exists(Path(path)):
        return True
    return registry.INDEXES.is_server(path) and (create or registry.INDEXES.is_own(path, config.index_options))


def open_search(
    config: SearchConfig,
    index: Places = None,
    state: str | Path | None = None,
    *,
    reranker: Reranker | None = None,
    boosts: Mapping[str, float] | None = None,
) -> OpenIndex | OpenRetriever | OpenCollections:
    """Open what `config` searches: a store or a retriever of your own if it names one, and otherwise an index.

    Args:
        config: Models and settings.
        index: An index folder or an index on a server, or several in a list: see `open_collections`. None: `.shortlist`
            in the current folder, or no index if the retriever needs none. Beside a retriever of your own, the index
            keeps the fits, and its passages are those of the judgments.
        state: The folder for the fits of a retriever without an index. None: `.shortlist-state` in the current folder.
        reranker: A reranker that is loaded already, or one of your own; it replaces the one of `config`.
        boosts: The boosts of several collections.

    Raises:
        InvalidInput: A store and an index folder are given together, or an index and `state`. Or as `open_by_name`.
        FolderError, ModelError, StoreError, MissingExtra: As `open_by_name`.
    """
    if is_several(index):
        assert isinstance(index, Sequence | Mapping)
        return open_collections(index, config, state=state, reranker=reranker, boosts=boosts)
    if boosts:
        raise InvalidInput("boosts compare collections: name several indexes", field="boosts")
    if (name := index_of(config, single(index))) is None:
        return open_retriever(config, state=state, reranker=reranker)
    _check_state(name, state)
    return open_index(name, config=config, reranker=reranker)


def copy_index(
    source: str | Path,
    target: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CopyReport:
    """Copy an index to another place without encoding its passages again, and return what was done.

    The source stays. If the copy is interrupted, the same call continues. See `collection.copy.copy`.

    Args:
        source: An index folder, or an index on a server.
        target: The place of the copy, which is made if there is none.
        options: The options of an index on a server: see `SearchConfig.index_options`.
        progress: Is called with the number of copied documents, and that of all documents.

    Raises:
        InvalidInput: The source has half-written documents, the target has others, or both are one place.
        FolderError, StoreError, MissingExtra: One of the two cannot be opened or written.
    """
    if str(source) == str(target):
        raise InvalidInput(f"{without_secrets(str(source))} is the source and the target: give two places")
    with (
        registry.INDEXES.open(source, options=options) as original,
        _target(target, original.manifest, options) as duplicate,
    ):
        return copy(original, duplicate, progress=progress)


def _target(target: str | Path, manifest: Manifest, options: Mapping[str, Any] | None) -> Collection:
    """Return the open target of a copy. It is made if there is none."""
    if registry.INDEXES.exists(target, options):
        return registry.INDEXES.open(target, options=options, check=True)
    return registry.INDEXES.create(target, manifest.encoder, manifest.dimension, options)


def single(places: Places) -> str | Path | None:
    """Return the only place, or None without places."""
    if places is None or isinstance(places, str | Path):
        return places
    return next(iter(places), None)


def index_of(config: SearchConfig, index: str | Path | None) -> str | Path | None:
    """Return the name of the index that `config` searches, or None if the retriever needs none. See `open_search`.

    Raises:
        InvalidInput: A store and an index folder are given together.
    """
    if index is None:
        return None if config.is_foreign else INDEX
    if is_store(config.retriever):
        raise InvalidInput(
            f"retriever is {without_secrets(config.retriever)!r}, and the index {without_secrets(str(index))} is "
            "given, too: leave out the index, or use hybrid, dense or bm25, which search the index",
            field="retriever",
        )
    return index
