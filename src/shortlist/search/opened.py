"""A search that is open: the common base of an open index folder and of an open retriever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from shortlist.config import SearchConfig
from shortlist.config.fusion import ONE_LIST
from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder, ReturnsVectors
from shortlist.redaction import Names
from shortlist.search.explain import Explanation, StageOne, explain, order_score
from shortlist.search.listing import LeftOut
from shortlist.search.pool import known_pool_size
from shortlist.search.searches import Searches
from shortlist.types import Note, Passage

Self = TypeVar("Self", bound="Opened")

UNKNOWN = "unknown"
"""The bi-encoder of a retriever that does not tell which one it uses."""


class Opened(Searches):
    """A search with its passages and models. Close it, or use it in a `with` statement.

    `config` holds the models and the settings of searches.
    """

    config: SearchConfig
    filling = "add files with: shortlist add PATH --index DIR"
    """What to do if there are no passages."""

    @property
    def name(self) -> str:
        """The index folder, or the name of the retriever without secrets."""
        raise NotImplementedError

    @property
    def encoder(self) -> Encoder:
        """The bi-encoder. The first use loads the model."""
        raise NotImplementedError

    @property
    def bi_encoder(self) -> str:
        """The name of the bi-encoder, or `UNKNOWN`."""
        raise NotImplementedError

    @property
    def has_own_reranker(self) -> bool:
        """Whether the reranker is an object that was given, and not the one that `config` names."""
        return getattr(self, "_reranker", None) is not None

    @property
    def fuses(self) -> bool:
        """Whether stage one fuses vectors and words."""
        return self.config.retriever not in ONE_LIST

    @property
    def on_server(self) -> bool:
        """Whether the passages may be on another machine. Only an index folder never is."""
        return True

    def count(self) -> int | None:
        """Return the number of passages, or None if it is unknown."""
        raise NotImplementedError

    def check_not_empty(self) -> None:
        """Check that there are passages, if their number is known.

        Raises:
            InvalidInput: There are none. The message names the collection, and what to do.
        """
        if self.count() == 0:
            raise InvalidInput(f"there are no passages in {self.name}: {self.filling}")

    def passages(self, left_out: LeftOut | None = None) -> Iterator[Passage] | None:
        """Return every passage, in no fixed order, or None if the retriever cannot list its passages.

        Of several passages with one id, the first is used. `left_out` is called with a note for each row that is left
        out. Without it, a row of a store that is no passage raises InvalidInput.
        """
        raise NotImplementedError

    def vector_store(self) -> ReturnsVectors | None:
        """Return what holds the vectors of the passages, or None if they cannot be read."""
        raise NotImplementedError

    def find(self, query: str, ids: Sequence[str]) -> Mapping[str, Passage]:
        """Return the passages with these ids, by id, without those that do not exist.

        A retriever that cannot look up an id is searched for the query.
        """
        raise NotImplementedError

    def shown_names(self) -> Names:
        """Return the names without the folders of this machine, for answers that others read."""
        raise NotImplementedError

    def explain(self, query: str, a: str, b: str) -> Explanation:
        """Return which words of the query put passage `a` above passage `b`, both by id. See `search.explain`.

        Raises:
            InvalidInput: There is no passage with such an id, the ids are equal, or a stage has no model.
        """
        if a == b:
            raise InvalidInput(f"both ids are {a!r}: give two passages to compare")
        passages = self.find(query, [a, b])
        missing = [key for key in (a, b) if key not in passages]
        if missing:
            raise InvalidInput(self._not_found(missing))
        reranker = self.searcher.reranker
        if reranker is None:
            raise InvalidInput("both stages are compared: search with a reranker", field="rerank")
        stage_one = self.stage_one_of(a, b) or self.encoder
        return explain(query, passages[a].content, passages[b].content, stage_one, reranker)

    def stage_one_of(self, a: str, b: str) -> StageOne | None:
        """Return how stage one scores these two passages, or None if the cosines of `encoder` are compared."""
        return order_score(self.searcher.retriever_at(), [a, b], known_pool_size(self.config))

    def explain_notes(self, query: str) -> list[Note]:
        """Return notes about what `explain` compares: a cut query, or another bi-encoder than that of the retriever."""
        notes = self.searcher.query_notes(query)
        if self.bi_encoder == UNKNOWN and self.stage_one_of("", "") is None:
            notes.append(Note("other_bi_encoder", bi_encoder=self.encoder.name, retriever=self.name))
        return notes

    def _not_found(self, ids: Sequence[str]) -> str:
        """Return the message about ids that `find` does not find."""
        return (
            f"{self.name} has no passage {' and no passage '.join(map(repr, ids))}: `shortlist search --json` shows "
            "the ids of passages"
        )

    def close(self) -> None:
        """Release everything. A second call does nothing."""
        raise NotImplementedError

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
