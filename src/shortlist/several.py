"""Several open collections as one: one search, one pool, one scoring pass."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from shortlist import registry
from shortlist.collection import IndexedSource
from shortlist.collection.precompute import with_stored_states
from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.index import OpenIndex
from shortlist.protocols import Encoder, Reranker, ReturnsVectors
from shortlist.redaction import Names
from shortlist.reprs import short_repr
from shortlist.search.context import ContextParts
from shortlist.search.listing import LeftOut
from shortlist.search.merged import FitsOfSeveral, MergedRetriever, Part, qualified
from shortlist.search.opened import UNKNOWN, Opened
from shortlist.search.pool import distinct_notes
from shortlist.search.search import Search
from shortlist.types import Hit, Note, Passage, Where

MOST_SEARCHES = 32
"""The searches over some of the collections that are kept. Above it, a new one replaces the one used longest ago."""
_NAMED = re.compile(r"([\w.-]+)=(.+)", re.DOTALL)


def named_places(places: Sequence[str | Path] | Mapping[str, str | Path]) -> dict[str, str | Path]:
    """Return the places of collections by name, in order.

    A place is an index folder, an index on a server, a store, or an attribute. `NAME=PLACE` names the collection.
    Otherwise, its name is that of the folder, or of the collection of the server or the store.

    Raises:
        InvalidInput: No place, one that is no string and no Path, or two collections with one name.
    """
    listed = list(places.values() if isinstance(places, Mapping) else places)
    for place in listed:
        if not isinstance(place, str | Path):
            raise InvalidInput(f"a collection is {place!r:.80}: give its place as a string or a Path", field="index")
    if isinstance(places, Mapping):
        return dict(places)
    named: dict[str, str | Path] = {}
    for place in listed:
        name, rest = _named(place)
        if name in named:
            raise InvalidInput(
                f"two collections are named {name!r}: give each a name of its own, such as {name}-2={rest}",
                field="index",
            )
        named[name] = rest
    if not named:
        raise InvalidInput("there is no collection to search: name one", field="index")
    return named


def is_several(places: object) -> bool:
    """Return whether places name collections: more than one place, a mapping, or `NAME=PLACE`."""
    if isinstance(places, Mapping):
        return True
    if not isinstance(places, list | tuple):
        return False
    return len(places) != 1 or _named(places[0])[1] != places[0]


def _named(place: str | Path) -> tuple[str, str | Path]:
    """The name and the place of a collection."""
    match = None if isinstance(place, Path) or Path(place).exists() else _NAMED.fullmatch(place)
    if match is not None:
        return match[1], match[2]
    return collection_name(place), place


def collection_name(place: str | Path) -> str:
    """Return the name of a collection without a name of its own: that of its folder, or of its place elsewhere."""
    named = isinstance(place, str) and (registry.is_retriever(place) or registry.INDEXES.is_server(place))
    if isinstance(place, str) and named and not Path(place).exists():
        return place.partition(":")[2].partition("@")[0] or place
    return Path(place).resolve().name.lstrip(".") or str(place)


class OpenCollections(Opened):
    """Several open indexes and stores, by the names of the collections. `shortlist.open` makes it from several places.

    `within` gives the search of some of them. See `search.merged.MergedRetriever` for the pool and for `boosts`.

    Args:
        parts: Name -> the open index or retriever, which does not rerank.
        config: The settings of searches, with the reranker.
        boosts: Name -> boost; 1 for the others.
        reranker: A reranker that is loaded already, or one of your own.

    Raises:
        InvalidInput: No collection, or a boost of an unknown collection, or one that is not above 0.
    """

    def __init__(
        self,
        parts: Mapping[str, Opened],
        config: SearchConfig,
        *,
        boosts: Mapping[str, float] | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.parts = dict(parts)
        self.config = config
        self.boosts = dict(boosts or {})
        self._reranker = reranker
        self._loaded: Reranker | None = None
        self._search_over = lru_cache(MOST_SEARCHES)(self._made)
        self._making = threading.Lock()
        self._checked(list(self.boosts), "boosts")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the collections, in the order in which they were given."""
        return tuple(self.parts)

    @property
    def name(self) -> str:
        """The names of all collections."""
        return ", ".join(self.parts)

    @property
    def searcher(self) -> Search:
        """The search over all collections. The first use loads the models."""
        return self.within(self.names)

    def within(self, names: Iterable[str]) -> Search:
        """Return the search over the collections with these names. All searches share the models.

        Raises:
            InvalidInput: No name, an unknown name, or a name twice.
        """
        chosen = tuple(self._checked([names] if isinstance(names, str) else list(names), "collections"))
        if len(set(chosen)) != len(chosen):
            raise InvalidInput(f"a collection is named twice: {', '.join(chosen)}", field="collections")
        with self._making:
            return self._search_over(chosen)

    def _checked(self, names: Sequence[str], field: str) -> Sequence[str]:
        unknown = next((name for name in names if name not in self.parts), None)
        if unknown is not None:
            raise InvalidInput(
                f"there is no collection {unknown!r}: the collections are {', '.join(self.parts)}", field=field
            )
        return names

    def _made(self, names: Sequence[str]) -> Search:
        self._share_encoders()
        searches = {name: self.parts[name].searcher for name in names}
        retriever = MergedRetriever(
            [Part(name, search.retriever, self.boosts.get(name, 1.0)) for name, search in searches.items()]
        )
        reranker = self._used_reranker()
        mixed = [name for name in retriever.bi_encoders if name]

        def facts(pool: Sequence[Hit]) -> list[Note]:
            alone = len(mixed) > 1 and self.config.weights is None
            return [Note("mixed_bi_encoders", bi_encoders=mixed)] if alone and pool else []

        def diagnose(where: Where | None) -> list[Note]:
            return distinct_notes(note for search in searches.values() for note in search.diagnose(where))

        return Search(
            retriever,
            reranker,
            self.config,
            progressive=None if reranker is None else registry.progressive_of(reranker),
            encoder=next((search.encoder for search in searches.values() if search.encoder is not None), None),
            diagnose=diagnose,
            facts=facts,
            fits=FitsOfSeveral(),
        )

    def _share_encoders(self) -> None:
        """Load each bi-encoder once for all indexes that were made with it."""
        loaded: dict[str, Encoder] = {}
        for part in self.parts.values():
            if isinstance(part, OpenIndex) and self.config.retriever != "bm25":
                if part.bi_encoder not in loaded:
                    loaded[part.bi_encoder] = part.encoder
                part.use_encoder(loaded[part.bi_encoder])

    def _used_reranker(self) -> Reranker | None:
        """The reranker with the stored states of all indexes, or None if nothing is reranked."""
        name = self.config.reranker_name
        if self._reranker is None and name is None:
            return None
        if self._loaded is None:
            reranker = self._reranker
            if reranker is None:
                reranker = registry.configured_reranker(self.config, str(name), early_exits=self.config.progressive)
            collections = [part.collection for part in self.parts.values() if isinstance(part, OpenIndex)]
            self._loaded = with_stored_states(collections, reranker) if collections else reranker
        return self._loaded

    @property
    def encoder(self) -> Encoder:
        """The bi-encoder of the first collection."""
        return next(iter(self.parts.values())).encoder

    @property
    def bi_encoder(self) -> str:
        """The bi-encoder of all collections, or `UNKNOWN` if there are several."""
        names = {part.bi_encoder for part in self.parts.values()}
        return names.pop() if len(names) == 1 else UNKNOWN

    @property
    def on_server(self) -> bool:
        """Whether the passages of a collection may be on another machine."""
        return any(part.on_server for part in self.parts.values())

    def count(self) -> int | None:
        """Return the number of passages in all collections, or None if one of them does not know it."""
        counts = [part.count() for part in self.parts.values()]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def passages(self, left_out: LeftOut | None = None) -> Iterator[Passage] | None:
        """Return the passages of all collections, or None if one of them cannot list its passages."""
        listings = [part.passages(left_out) for part in self.parts.values()]
        known = [listing for listing in listings if listing is not None]
        if len(known) != len(listings):
            return None
        return (
            qualified(passage, name) for name, listing in zip(self.parts, known, strict=True) for passage in listing
        )

    def vector_store(self) -> ReturnsVectors | None:
        """Return None: the vectors of several collections are in several places."""
        return None

    def sources(self) -> tuple[IndexedSource, ...]:
        """Return what the indexes hold, source by source. Names begin with the name of the collection."""
        return tuple(
            replace(source, name=f"{name}:{source.name}")
            for name, part in self.parts.items()
            if isinstance(part, OpenIndex)
            for source in part.sources()
        )

    def find(self, query: str, ids: Sequence[str]) -> Mapping[str, Passage]:
        """Return the passages with these ids, which begin with the name of their collection."""
        by_id: dict[str, Passage] = {}
        for name, own in self._by_collection(ids).items():
            passages = self.parts[name].find(query, own).values()
            by_id |= {passage.id: passage for passage in (qualified(passage, name) for passage in passages)}
        return by_id

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages of indexes with these ids, without the unknown ones. Stores are not searched."""
        by_id: dict[str, Passage] = {}
        for name, own in self._by_collection(ids).items():
            part = self.parts[name]
            passages = part.collection.index.get(own) if isinstance(part, OpenIndex) else ()
            by_id |= {passage.id: passage for passage in (qualified(passage, name) for passage in passages)}
        return [by_id[key] for key in dict.fromkeys(ids) if key in by_id]

    def _by_collection(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """The ids without the names of their collections, by collection. Other ids are left out."""
        own: dict[str, list[str]] = {}
        for key in ids:
            name, colon, rest = key.partition(":")
            if colon and name in self.parts:
                own.setdefault(name, []).append(rest)
        return own

    @property
    def context_parts(self) -> ContextParts:
        """What reads the passages around hits, if every collection is an index, and counts tokens."""
        get = self.get if all(isinstance(part, OpenIndex) for part in self.parts.values()) else None
        counters = [part.context_parts.count_tokens for part in self.parts.values()]
        known = [counter for counter in counters if counter is not None]
        count = (lambda text: max(counter(text) for counter in known)) if known else None
        return ContextParts(self.name, get, count)

    def shown_names(self) -> Names:
        """Return the names of sources without the folders of this machine."""
        return Names(parts={name: part.shown_names() for name, part in self.parts.items()})

    def __len__(self) -> int:
        """The number of passages that are known."""
        return sum(part.count() or 0 for part in self.parts.values())

    def __repr__(self) -> str:
        facts = {"passages": self.count(), "bi_encoder": self.bi_encoder, "reranker": self.config.reranker_name}
        return short_repr(self, self.name, facts)

    def close(self) -> None:
        """Close every collection. A second call does nothing."""
        for part in self.parts.values():
            part.close()
