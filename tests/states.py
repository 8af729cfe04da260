"""A reranker that keeps states, and checks of the states of an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import shortlist
from hashed import HASHED
from shortlist import registry
from shortlist.collection.states import hash_of
from shortlist.types import RerankerInfo

Lookup = Callable[[Sequence[str]], list[bytes | None]]


class StatesReranker:
    """Scores a text by its length. The state of a text is its UTF-8.

    `computed` has the texts whose states were computed, and `stored` and `read` those that were scored from a state
    and from the text.
    """

    def __init__(self, name: str = "states", weights: str = "w1", keeps_states: bool = True) -> None:
        self.info = RerankerInfo(name, pointwise=True)
        self.weights = weights
        self.keeps_states = keeps_states
        self.computed: list[str] = []
        self.stored: list[str] = []
        self.read: list[str] = []
        self.lookup: Lookup | None = None

    def states_hash(self) -> str:
        return self.weights

    def states_of(self, texts: Sequence[str]) -> list[bytes]:
        self.computed += texts
        return [text.encode() for text in texts]

    def with_states(self, lookup: Lookup) -> StatesReranker:
        other = StatesReranker(self.info.name, self.weights)
        other.computed, other.stored, other.read, other.lookup = self.computed, self.stored, self.read, lookup
        return other

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        states = [None] * len(texts) if self.lookup is None else self.lookup(texts)
        for text, state in zip(texts, states, strict=True):
            (self.read if state is None else self.stored).append(text)
        return [
            float(len(text if state is None else state.decode())) for text, state in zip(texts, states, strict=True)
        ]


def keeping(folder, reranker=None, **config):
    """An open index of the folder, which is made if it is missing, with a reranker that keeps states."""
    settings = shortlist.SearchConfig(bi_encoder=HASHED, **config)
    return shortlist.open(folder, create=True, config=settings, reranker=reranker or StatesReranker())


def check_states(folder):
    """Check that every passage has its state, that no other state is stored, and return the number of passages."""
    with registry.INDEXES.open(folder) as collection:
        contents = {passage.id: passage.content for passage in collection.index.passages()}
        states = collection.states
        texts = dict(states._read("SELECT id, text_hash FROM passages"))
        assert texts == {key: hash_of(content) for key, content in contents.items()}
        stored = dict(states._read("SELECT text_hash, state FROM states"))
        assert stored == {hash_of(content): content.encode() for content in contents.values()}
        return len(contents)
