"""`OpenIndex`: an index and its models, to add to, to remove from and to search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from shortlist import collection as collections
from shortlist import registry
from shortlist.assembling import assembled
from shortlist.collection import Collection, Contents, IndexedSource, IngestReport, Progress
from shortlist.collection.diagnose import diagnose
from shortlist.collection.given import kind_of
from shortlist.collection.languages import notes_on_languages
from shortlist.collection.precompute import Precompute, checked_keeper, notes_on_states, with_stored_states
from shortlist.config import SearchConfig, checked_config
from shortlist.config.search_config import RERANKER
from shortlist.documents import ReadOptions
from shortlist.errors import FolderError, InvalidInput, NotAnIndex
from shortlist.models.packaged import BI_ENCODER
from shortlist.protocols import Encoder, Reranker, Retriever, ReturnsVectors
from shortlist.redaction import Names
from shortlist.reprs import short_repr
from shortlist.search.context import ContextParts
from shortlist.search.listing import LeftOut
from shortlist.search.opened import Opened
from shortlist.search.scores import info_of
from shortlist.search.search import Search
from shortlist.stores.kinds import check_fields
from shortlist.text import Splitter
from shortlist.text.terms import checked_language
from shortlist.types import Document, Hit, Note, Passage
from shortlist.workers.documents import prepare_by


def open_index(
    path: str | Path, *, create: bool = False, config: SearchConfig | None = None, reranker: Reranker | None = None
) -> OpenIndex:
    """Open the index in the folder `path`, or on a server. Close it, or use it in a `with` statement.

    Models are found now and loaded when they are first needed, once for all uses.

    Args:
        path: The folder, or `kind:NAME@WHERE` for an index on a server.
        create: Make a new index if there is none.
        config: Models and settings. Without it, the packaged models and the default settings apply.
        reranker: A reranker that is loaded already, or one of your own; it replaces the one of `config`.

    Raises:
        InvalidInput: `config` has a weight of an unknown signal, an unknown language, or fields or a pool encoder, or
            its reranker cannot precompute and a new index must.
        NotAnIndex: The folder contains no index, and `create` is False; or it contains other things.
        IndexMismatch: The index was made with another bi-encoder or language than `config` names, or in another format.
        IndexLocked: The index is open already, in this or another process.
        ModelNotFound: There is no such model.
    """
    config = checked_config(config)
    config.check_signals()
    if config.pool_encoder is not None and not config.is_foreign:
        raise InvalidInput("an index has no pool_encoder: stores and your own retrievers do", field="pool_encoder")
    check_fields(config)
    if config.language is not None:
        checked_language(config.language)
    encoder: Encoder | None = None
    loaded: Reranker | None = None
    if reranker is None and config.reranker_name is not None:
        registry.check_reranker(config.reranker_name)
    options = config.index_options
    if create and not registry.INDEXES.exists(path, options):
        if config.precompute:
            loaded = checked_keeper(reranker or _reranker_of(config))
        name = config.bi_encoder or BI_ENCODER
        encoder = registry.configured_encoder(config, name)
        collection = registry.INDEXES.create_or_open(path, registry.encoder_name(name), encoder.dimension, options)
    else:
        encoder_name = None if config.bi_encoder is None else registry.encoder_name(config.bi_encoder)
        collection = registry.INDEXES.open(path, encoder_name, options, check=create)
    collection.use_language(config.language)
    return OpenIndex(collection, config, encoder=encoder, reranker=reranker, loaded=loaded)


class OpenIndex(Opened):
    """An open index. `open_index` makes it.

    `collection` is the index itself, `config` the settings of searches, `reranker` one of your own, and `loaded` the
    one of `config` if it is loaded already. One thread at a time may use an index. After `close`, and in a fork of the
    process, a method that needs the open index raises FolderError.
    """

    def __init__(
        self,
        collection: Collection,
        config: SearchConfig,
        *,
        encoder: Encoder | None = None,
        reranker: Reranker | None = None,
        loaded: Reranker | None = None,
    ) -> None:
        self.collection = collection
        self.config = config
        self._encoder = encoder
        self._reranker = reranker
        self._loaded = loaded or reranker

    def add(
        self,
        items: str | Path | Document | Mapping[str, object] | Iterable[str | Path | Document | Mapping[str, object]],
        *,
        prune: bool = False,
        precompute: bool | None = None,
        options: ReadOptions | None = None,
        workers: int | None = None,
        ray: str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Add files and folders, documents that come from no file, or a store, and return what was done.

        Paths are read as `shortlist add` reads them: only what is new or changed is encoded. `Document`s, and dicts
        with "id" and "text" and maybe "title" and "metadata", are added or replaced by their id. A string such as
        "chroma:notes@./chroma" adds the passages of that store as they are, with its vectors if the bi-encoder of the
        index made them; `config.fields` names its fields. Safe to kill at any moment: the same call continues. No items
        add nothing.

        Args:
            items: One path, document or store, or several paths or documents.
            prune: Remove the documents of files that no longer exist or that `options` excludes.
            precompute: True: store, for every passage of the index, what the reranker computes without the query.
                Searches are then faster, and the index is larger. Later calls continue. False: stop, and remove what is
                stored. None: the value of the configuration, or what the index did before.
            options: How to read files, and patterns of what to leave out. Without files, an error.
            workers: Read, split and encode in so many processes, which divide the CPU cores; with `ray`, in so many
                actors. This process writes the index.
            ray: Read, split and encode on a Ray cluster: "auto", or an address such as "ray://host:10001".
            progress: Is called after each source and each commit.

        Raises:
            InvalidInput: A path does not exist, a document or a store cannot be used, paths, documents and stores are
                mixed, or the reranker cannot precompute.
            StoreError: The store does not answer, or refuses the request.
            WorkersFailed: No worker can start, or the Ray cluster does not answer; what was committed before stays.
            IndexWriteFailed: The disk is full or failing; what was committed before stays.
        """
        self.collection.check_open()
        kind, given = kind_of(items, prune=prune, options=options, workers=workers, ray=ray)
        prepare = prepare_by(self.config, self.bi_encoder, workers, ray)
        states = self._states(precompute)
        adding = collections.Adding(self.collection, self.encoder, self.splitter, progress, states, prepare)
        report = adding.items(kind, given, self.config.fields, prune=prune, options=options)
        reranker = self.config.reranker if self._reranker is None else None
        models = [self.bi_encoder, *([] if reranker is None else [reranker])]
        report.notes += notes_on_languages(report.languages, report.documents_written, self.collection.language, models)
        return report

    def _states(self, precompute: bool | None) -> Precompute:
        switch = self.config.precompute if precompute is None else precompute
        return Precompute(self.collection, self._loaded_reranker, switch)

    def remove(self, names: str | Iterable[str]) -> int:
        """Remove sources and documents by name, and return the number of removed documents. See `collection.remove`."""
        self.collection.check_open()
        return collections.remove(names, self.collection)

    def sources(self) -> tuple[IndexedSource, ...]:
        """Return what the index holds, source by source, sorted by name."""
        return self.contents().sources

    def contents(self) -> Contents:
        """Return what the index holds, with its bi-encoder, its format and its size on disk."""
        return self.collection.contents()

    @property
    def name(self) -> str:
        """The index folder, or the name of the index on a server."""
        return self.collection.name

    @property
    def bi_encoder(self) -> str:
        """The name of the bi-encoder that the index was made with."""
        return self.collection.manifest.encoder

    @property
    def on_server(self) -> bool:
        """Whether the index is on a server."""
        return self.collection.place.folder is None

    def shown_names(self) -> Names:
        """Return the names of sources without the folders of this machine."""
        return Names.of(self.collection.ledger.known_sources(), "" if self.on_server else self.name)

    def count(self) -> int:
        """Return the number of passages."""
        return len(self)

    def passages(self, left_out: LeftOut | None = None) -> Iterator[Passage]:
        """Return every passage, in no fixed order. An index leaves out none."""
        self.collection.check_open()
        return self.collection.index.passages()

    def vector_store(self) -> ReturnsVectors | None:
        """Return the engine if it returns vectors, or None."""
        index: object = self.collection.index
        return index if isinstance(index, ReturnsVectors) else None

    def find(self, query: str, ids: Sequence[str]) -> Mapping[str, Passage]:
        """Return the passages with these ids, by id, without those that the index lacks."""
        self.collection.check_open()
        return {passage.id: passage for passage in self.collection.index.get(ids)}

    @property
    def context_parts(self) -> ContextParts:
        """What reads the passages around hits, and counts tokens with the tokenizers of both models."""
        self.collection.check_open()
        return ContextParts(self.name, self.collection.index.get, lambda text: self.splitter.count_tokens(text))

    @property
    def searcher(self) -> Search:
        """The search over this index. The first use loads the models, side by side."""
        self.collection.check_open()
        return self._searcher

    @cached_property
    def _searcher(self) -> Search:
        index, dimension = self.collection.index, self.collection.manifest.dimension
        return assembled(
            self,
            self._stage_one,
            self._search_reranker,
            place=self.collection.place.folder or self.collection.place.files,
            name=self.config.retriever,
            diagnose=lambda where: diagnose(index, dimension, where),
            facts=self._notes_on_states,
        )

    def _stage_one(self) -> tuple[Retriever, Encoder | None]:
        config = self.config
        encoder = self.encoder if config.retriever in ("hybrid", "dense") else None
        return registry.make_retriever(config.retriever, self.collection.index, encoder, config.fusion), encoder

    def _notes_on_states(self, pool: Sequence[Hit]) -> list[Note]:
        reranker = self._searcher.reranker
        return [] if reranker is None else notes_on_states(self.collection, reranker)

    @property
    def encoder(self) -> Encoder:
        """The bi-encoder that the index was made with."""
        if self._encoder is None:
            self._encoder = registry.configured_encoder(self.config, self.collection.manifest.encoder)
        return self._encoder

    def use_encoder(self, encoder: Encoder) -> None:
        """Use a bi-encoder that is loaded already. It must be the one that the index was made with."""
        self._encoder = encoder

    @cached_property
    def splitter(self) -> Splitter:
        """The splitter that cuts documents into passages for both models."""
        return registry.make_splitter(self.collection.manifest.encoder, self.config.reranker or RERANKER)

    def _search_reranker(self) -> Reranker | None:
        """The reranker of searches, which uses the stored states; None if nothing is reranked."""
        if self._reranker is None and self.config.reranker_name is None:
            return None
        return with_stored_states([self.collection], self._loaded_reranker())

    def _loaded_reranker(self) -> Reranker:
        """The reranker. The first call loads it."""
        if self._loaded is None:
            self._loaded = _reranker_of(self.config)
        return self._loaded

    def __len__(self) -> int:
        """The number of passages."""
        self.collection.check_open()
        return len(self.collection.index)

    def __repr__(self) -> str:
        config, own = self.config, self._reranker
        try:
            passages: int | str = len(self)
        except NotAnIndex:
            passages = "damaged"
        except FolderError:
            passages = "closed"
        facts = {
            "passages": passages,
            "bi_encoder": self.collection.manifest.encoder,
            "retriever": config.retriever,
            "reranker": config.reranker_name if own is None else info_of(own).name,
        }
        return short_repr(self, self.collection.name, facts)

    def close(self) -> None:
        """Write everything to disk and release the folder. A second call does nothing."""
        self.collection.close()


def _reranker_of(config: SearchConfig) -> Reranker:
    """Load the reranker of a configuration. Without one, the packaged one computes states."""
    return registry.configured_reranker(config, config.reranker or RERANKER, early_exits=config.progressive)
