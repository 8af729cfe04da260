"""A search over a store or over a retriever of your own, without an index folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence, Sized
from functools import cached_property, partial
from pathlib import Path

from shortlist import registry
from shortlist.assembling import assembled
from shortlist.config import SearchConfig
from shortlist.config.fusion import check_effect
from shortlist.config.places import STATE
from shortlist.config.search_config import RERANKER
from shortlist.errors import InvalidInput
from shortlist.models.packaged import BI_ENCODER
from shortlist.protocols import Encoder, Fuses, Reranker, Retriever, ReturnsVectors
from shortlist.redaction import Names
from shortlist.reprs import short_repr
from shortlist.search.context import ContextParts
from shortlist.search.explain import StageOne
from shortlist.search.foreign.rows import DISTANCE, RAW_SCORE
from shortlist.search.listing import LeftOut, distinct, listed_by
from shortlist.search.opened import UNKNOWN, Opened
from shortlist.search.pool import retrieved
from shortlist.search.scores import info_of
from shortlist.search.search import Search, no_diagnosis
from shortlist.stores.diagnose import diagnose
from shortlist.stores.kinds import check_fields, is_store, load_store
from shortlist.text import Splitter
from shortlist.text.validation import checked_text
from shortlist.types import Hit, Note, Passage

DEPTH = 100
"""The number of hits in which `find` looks for an id, if the retriever cannot list its passages."""

WORDS = "words"
"""The folder for BM25 of a store's passages, in its folder for fits."""


def open_retriever(
    config: SearchConfig,
    *,
    state: str | Path | None = None,
    reranker: Reranker | None = None,
    check_fusion: bool = True,
) -> OpenRetriever:
    """Open the store or the retriever that `config.retriever` names. Close it, or use it in a `with` statement.

    Models are found now and loaded when they are first needed.

    Args:
        config: Models and settings. Its `bi_encoder` is the one that the vectors of the store were made with. None: the
            packaged one.
        state: The folder for the fits of `calibrate`. None: `.shortlist-state` in the current folder.
        reranker: A reranker that is loaded already, or one of your own; it replaces the one of `config`.
        check_fusion: Raise an error for a fusion weight that has no effect. Of several collections, some may not fuse.

    Raises:
        InvalidInput: The retriever cannot be made, or `config` has a weight of an unknown signal, fields for a
            retriever that is no store, or a fusion weight without an effect.
        StoreError: There is no such collection, or the store does not answer, or refuses the request.
        MissingExtra: The client of the store is not installed.
        ModelNotFound: There is no such model.
    """
    config.check_signals()
    check_fields(config)
    if reranker is None and config.reranker_name is not None:
        registry.check_reranker(config.reranker_name)
    registry.encoder_name(config.bi_encoder or BI_ENCODER)
    opened = OpenRetriever(config, state=STATE if state is None else Path(state), reranker=reranker)
    if check_fusion:
        try:
            opened.check_fusion()
        except InvalidInput:
            opened.close()
            raise
    return opened


class OpenRetriever(Opened):
    """An open store, or an open retriever of your own. `open_retriever` makes it.

    `config` holds the settings of searches, `state` is the folder for fits, and `reranker` is one of your own. The
    retriever is made at once, so a wrong name is an error here.
    """

    filling = "fill the collection, or name another one"

    def __init__(self, config: SearchConfig, *, state: Path = STATE, reranker: Reranker | None = None) -> None:
        self.config = config
        self.state = state
        self._reranker = reranker
        self._store = load_store(config.retriever, config.fields) if is_store(config.retriever) else None
        self._own = None if self._store is not None else registry.load_retriever(config.retriever)
        if config.words and self._store is None:
            raise InvalidInput(
                f"words are BM25 beside a store, and {self.name} is none: leave out words", field="words"
            )
        self._closed = False

    @property
    def name(self) -> str:
        """The name of the retriever, without secrets."""
        return self.config.retriever if self._store is None else self._store.name

    @property
    def bi_encoder(self) -> str:
        """The name of the bi-encoder of a store with vectors; `UNKNOWN` for a retriever of your own."""
        if self._store is None or not self._store.has_vectors:
            return UNKNOWN
        return registry.encoder_name(self.config.bi_encoder or BI_ENCODER)

    @cached_property
    def encoder(self) -> Encoder:
        """The bi-encoder that the configuration names, or the packaged one. The first use loads the model."""
        return registry.configured_encoder(self.config, self.config.bi_encoder or BI_ENCODER)

    @property
    def searcher(self) -> Search:
        """The search over this retriever. The first use loads the models, side by side.

        Raises:
            InvalidInput: The retriever is closed.
        """
        if self._closed:
            raise InvalidInput(f"{self.name} is closed: open it again")
        return self._searcher

    @cached_property
    def _searcher(self) -> Search:
        return assembled(
            self,
            self._stage_one,
            self._loaded_reranker,
            place=self.fits_folder,
            name=f"{self.name} with words" if self.config.words else self.name,
            diagnose=no_diagnosis if self._store is None else partial(diagnose, self._store),
            facts=self._notes_on_order,
        )

    @property
    def fuses(self) -> bool:
        """Whether stage one fuses vectors and words."""
        store = self._store
        both = store is not None and store.has_vectors and (self.config.words or store.has_words)
        return both or isinstance(self._own, Fuses)

    def check_fusion(self) -> None:
        """Check that the fusion weight of `config` has an effect.

        Raises:
            InvalidInput: The weight is not the default, and the retriever does not fuse vectors and words.
        """
        check_effect(self.config.fusion, self.fuses, self.name)

    def _stage_one(self) -> tuple[Retriever, Encoder | None]:
        return self._retriever, None if self.bi_encoder == UNKNOWN else self.encoder

    def _notes_on_order(self, pool: Sequence[Hit]) -> list[Note]:
        """Return the note that the reranker alone orders the answer, with the signals that can have weights."""
        if not pool:
            return []
        signals = {name for hit in pool for name in hit.signals} - {DISTANCE, RAW_SCORE}
        weighted = {name for name, weight in (self._searcher.weights or {}).items() if weight}
        if weighted & signals or (signals and self.config.weights is not None):
            return []
        return [Note("reranker_alone", retriever=self.name, signals=sorted(signals))]

    @cached_property
    def _retriever(self) -> Retriever:
        store = self._store
        if store is None:
            assert self._own is not None
            return self._own
        words = self._folder_of(self.name) / WORDS if self.config.words else None
        encoder = self.encoder if store.has_vectors else None
        return registry.store_retriever(store, encoder, self.config.fusion, words, self.config.language)

    def _loaded_reranker(self) -> Reranker | None:
        config, name = self.config, self.config.reranker_name
        if self._reranker is not None or name is None:
            return self._reranker
        return registry.configured_reranker(config, name, early_exits=config.progressive)

    @property
    def fits_folder(self) -> Path:
        """The folder of this retriever's fits, inside `state`. A pool encoder has a folder of its own."""
        encoder = self.config.pool_encoder
        return self._folder_of(self.name if encoder is None else f"{self.name} {encoder}")

    def _folder_of(self, name: str) -> Path:
        plain = re.sub(r"[^\w.-]+", "_", name)[:60]
        return self.state / f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    def shown_names(self) -> Names:
        """Return names that show the last part of an absolute path, and no folders of this machine."""
        return Names(index_folder=str(self.state.resolve()))

    def count(self) -> int | None:
        """Return the number of passages, or None if the retriever does not know it."""
        sized = self._store if self._store is not None else self._own
        return len(sized) if isinstance(sized, Sized) else None

    def passages(self, left_out: LeftOut | None = None) -> Iterator[Passage] | None:
        """Return every passage, or None if the retriever cannot list its passages. See `Opened.passages`.

        A retriever of your own can list them if it has a method `passages`.
        """
        if self._store is not None:
            return self._store.passages(left_out)
        passages = listed_by(self._own)
        return None if passages is None else distinct(passages, left_out)

    def vector_store(self) -> ReturnsVectors | None:
        """Return the store if it has vectors, or None."""
        store = self._store
        return store if store is not None and store.has_vectors else None

    def find(self, query: str, ids: Sequence[str]) -> Mapping[str, Passage]:
        """Return the passages with these ids, by id.

        They are looked for in the hits of the query, and then among all passages if the retriever can list them.
        """
        pool, _ = self.config.sizes
        depth = max(DEPTH, pool) if isinstance(pool, int) else DEPTH
        hits = retrieved(self.searcher.retriever, checked_text(query), depth)
        passages = {hit.passage.id: hit.passage for hit in hits if hit.passage.id in ids}
        missing = set(ids) - passages.keys()
        for passage in (self.passages() or ()) if missing else ():
            if passage.id in missing:
                passages[passage.id] = passage
                missing.discard(passage.id)
            if not missing:
                break
        return passages

    @property
    def context_parts(self) -> ContextParts:
        """What counts tokens, with the tokenizers of both models. The passages around a hit are unknown."""
        return ContextParts(self.name, count_tokens=lambda text: self._splitter.count_tokens(text))

    @cached_property
    def _splitter(self) -> Splitter:
        return registry.make_splitter(self.config.bi_encoder or BI_ENCODER, self.config.reranker or RERANKER)

    def stage_one_of(self, a: str, b: str) -> StageOne | None:
        """Return how stage one scores these two passages. None: the cosines of `encoder`.

        A store that has words alone gives its own scores, if it can score single rows.
        """
        store = self._store
        if store is None or store.has_vectors:
            return super().stage_one_of(a, b)
        if not store.scores_ids:
            return None

        def margins(queries: Sequence[str]) -> dict[str, float]:
            scores = {query: store.word_scores(query, [a, b]) for query in queries}
            return {query: of_a - of_b for query, (of_a, of_b) in scores.items()}

        return StageOne(store.word_score, margins)

    def __repr__(self) -> str:
        config, own = self.config, self._reranker
        facts = {
            "bi_encoder": self.bi_encoder,
            "reranker": config.reranker_name if own is None else info_of(own).name,
        }
        return short_repr(self, self.name, facts)

    def close(self) -> None:
        """Release the connection to a store. A second call does nothing. A retriever of your own is not closed."""
        self._closed = True
        if self._store is not None:
            getattr(self.__dict__.get("_retriever"), "index", self._store).close()
            self._store.close()
