"""The nouns of shortlist: frozen dataclasses that hold values and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, overload

from shortlist.errors import InvalidInput
from shortlist.note import Note as Note
from shortlist.note import NoteValue as NoteValue
from shortlist.reprs import short_repr
from shortlist.scores import RerankerInfo as RerankerInfo
from shortlist.scores import Scores as Scores
from shortlist.where import Condition as Condition
from shortlist.where import Field as Field
from shortlist.where import Filter as Filter
from shortlist.where import Value as Value
from shortlist.where import Where as Where

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
"""query id -> passage id -> grade; 0 means judged and not relevant."""

Run: TypeAlias = Mapping[str, Mapping[str, float]]
"""query id -> passage id -> score; higher is better."""

PoolSize: TypeAlias = "int | Literal['auto']"
"""How many passages the reranker scores: a number, or "auto" for the stop rule that is stored with the index."""

PATH = " > "
"""Separates a document's title and the headings below it in a passage's title."""

DENSE, BM25, BM25_SHARE = "dense", "bm25", "bm25_share"
"""The signals of stage one: the cosine, the BM25 score, and this score divided by the query's highest."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a user adds: a text with an id, an optional title and optional metadata.

    `columns` names the lines "name: value" of a text that is a record. Each of its passages repeats the first line.
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Field] = field(default_factory=dict)
    columns: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit that is indexed, retrieved and reranked ("chunk" in RAG talk).

    `start` and `end` are offsets in the document's text; names of columns that a passage repeats do not count. `title`
    is the document's title or the nearest heading. Models read `content`: the title, and then the body. The body is
    `read_as`, or the text if `read_as` is empty.
    """

    id: str
    text: str
    document_id: str = ""
    title: str = ""
    start: int = 0
    end: int = 0
    metadata: Mapping[str, Field] = field(default_factory=dict)
    read_as: str = ""

    @property
    def body(self) -> str:
        """The text as models read it: Markdown without the targets of links, for example."""
        return self.read_as or self.text

    @property
    def content(self) -> str:
        """Title and body as one string. The bi-encoder, BM25 and the reranker read it."""
        return f"{self.title}\n{self.body}" if self.title else self.body


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage of an answer, with the scores and ranks of both stages. For every score, higher is better.

    `retrieval_rank` counts from 1. `rank` and `score` are final: they come from the reranker if it scored the passage,
    and from stage one otherwise. `rerank_score` is the reranker's raw output (for a cross-encoder an unbounded logit),
    or None. `signals` holds the parts of the stage-one score, such as `{"dense": 0.62, "bm25": 11.3}`. `probability` is
    that of being relevant, if the search computed it. `bi_encoder` names the model of the signal "dense", or is "".
    `duplicates` are the ids of the passages with the same text, or almost the same, which are folded into this hit.
    `collection` is the name of its collection in a search over several, or "".
    """

    passage: Passage
    score: float
    rank: int
    retrieval_score: float
    retrieval_rank: int
    rerank_score: float | None = None
    truncated: bool = False
    signals: Mapping[str, float] = field(default_factory=dict)
    probability: float | None = None
    bi_encoder: str = ""
    duplicates: tuple[str, ...] = ()
    collection: str = ""

    @classmethod
    def of(  # noqa: PLR0913 - only the first two are needed
        cls,
        id: str | int,
        text: str,
        score: float = 0.0,
        *,
        title: str = "",
        document_id: str = "",
        metadata: Mapping[str, Field] | None = None,
        signals: Mapping[str, float] | None = None,
        bi_encoder: str = "",
    ) -> Hit:
        """Return a hit of stage one, for a retriever of your own.

        The retriever returns its hits best first, and the search numbers them in this order. `score` is stage one's,
        higher is better. The id becomes a string. Without a `document_id`, the passage is a document of its own.

        Raises:
            InvalidInput: The id is None.
        """
        if id is None:
            raise InvalidInput(f"a hit with the text {text!r:.60} has the id None: give an id")
        passage = Passage(str(id), text, document_id or str(id), title, metadata=metadata or {})
        return cls(passage, score, 1, score, 1, signals=signals or {}, bi_encoder=bi_encoder)

    @property
    def id(self) -> str:
        """The passage's id."""
        return self.passage.id

    @property
    def text(self) -> str:
        """The passage's text, without its title."""
        return self.passage.text

    @property
    def title(self) -> str:
        """The passage's title: the document's title and the headings above the passage."""
        return self.passage.title

    @property
    def document_id(self) -> str:
        """The id of the document that the passage belongs to."""
        return self.passage.document_id

    @property
    def metadata(self) -> Mapping[str, Field]:
        """The passage's metadata."""
        return self.passage.metadata

    def __repr__(self) -> str:
        return short_repr(self, self.id, {"rank": self.rank, "score": self.score, "text": self.text})

    def to_dict(self) -> dict[str, Any]:
        """The hit as a JSON object."""
        passage, facts = self.passage, ("rerank_score", "retrieval_rank", "retrieval_score")
        metadata = dict(passage.metadata)
        return {
            "rank": self.rank,
            "id": passage.id,
            "collection": self.collection or None,
            "document_id": passage.document_id,
            "source": str(metadata.get("source") or passage.document_id or passage.id),
            "score": self.score,
            **{name: getattr(self, name) for name in facts},
            "signals": dict(self.signals),
            "probability": self.probability,
            "truncated": self.truncated,
            "duplicates": list(self.duplicates),
            **{name: getattr(passage, name) for name in ("title", "text", "start", "end")},
            "metadata": metadata,
        }


Status: TypeAlias = Literal["ok", "partial", "off", "skipped", "failed"]
"""What stage two did.

"ok": it ran. "partial": it scored only a part of the pool before the budget ended or the queue was full. "off": no
reranking was requested, or there is no reranker. "skipped": the reranker is not made for this query, or the gate
skipped it. "failed": the reranker raised an error. With the last three, the hits are in stage one's order.
"""


@dataclass(frozen=True, slots=True)
class Ranking(Sequence[Hit]):
    """The answer to one query: at most `top_k` hits, best first. A ranking is a sequence of its hits.

    `pool_size` is the requested pool size. `scored` counts the passages that the reranker scored to the end,
    `truncated` those that were cut to fit its window, and `dropped` those that a progressive search stopped scoring.
    `left_out` counts the hits below `min_score` or `min_probability`. `weights` maps each stage-one signal to its
    weight in the final score. `seconds` maps "retrieve" and "rerank" to wall-clock time. `notes` are facts to show,
    such as a cut query. `query` is the query of stage one, `queries` are the further queries whose pools are fused with
    its pool, and `rerank_query` is the query of stage two if it is another one. `effort` is the level that set the
    pool size, or None.
    """

    query: str
    hits: tuple[Hit, ...]
    status: Status
    pool_size: int
    scored: int
    truncated: int
    dropped: int
    seconds: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)
    min_score: float | None = None
    min_probability: float | None = None
    left_out: int = 0
    notes: tuple[Note, ...] = ()
    rerank_query: str | None = None
    queries: tuple[str, ...] = ()
    effort: str | None = None

    @property
    def reranked(self) -> bool:
        """True if the order of the hits is that of stage two."""
        return self.status in ("ok", "partial")

    @property
    def order(self) -> Literal["retrieval", "reranker", "blend"]:
        """What orders the hits: stage one, the reranker's score alone, or this score plus signals of stage one."""
        return "retrieval" if not self.reranked else "blend" if self.weights else "reranker"

    def note(self, code: str) -> Note | None:
        """The first note with this code, or None."""
        return next((note for note in self.notes if note.code == code), None)

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[place]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __repr__(self) -> str:
        ids, codes = [hit.id for hit in self.hits], [note.code for note in self.notes]
        return short_repr(self, self.query, {"hits": ids, "status": self.status, "scored": self.scored, "notes": codes})

    def to_dict(self) -> dict[str, Any]:
        """The ranking as a JSON object: what `search --json`, `/search` and the MCP tool return."""
        facts = (
            "query",
            "rerank_query",
            "status",
            "order",
            "effort",
            "pool_size",
            "scored",
            "truncated",
            "dropped",
            "left_out",
        )
        return {
            **{name: getattr(self, name) for name in (*facts, "min_score", "min_probability")},
            "queries": list(self.queries),
            "weights": dict(self.weights),
            "seconds": dict(self.seconds),
            "notes": [note.to_dict() for note in self.notes],
            "hits": [hit.to_dict() for hit in self.hits],
        }
