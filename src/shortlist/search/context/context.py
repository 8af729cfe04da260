"""`Context`: numbered blocks of text with their sources, for a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shortlist.reprs import short_repr
from shortlist.types import Note, Passage


@dataclass(frozen=True, slots=True)
class Block:
    """Passages of one document that follow each other, as one text.

    `number` counts from 1. `source` names the file or the document, and `place` the page, row, line or characters
    there; an empty string if the place is unknown. `title` is the heading path at the start of the text. `ranks` maps
    the ids of hits to their ranks; the other passages are around the hits. `tokens` counts the tokens of `shown`, None
    if tokens are not counted. `cut`: the last passage was cut to fit the budget; `end` is that of the whole passage.
    """

    number: int
    source: str
    place: str
    title: str
    text: str
    passages: tuple[Passage, ...]
    ranks: Mapping[str, int]
    tokens: int | None = None
    cut: bool = False

    @property
    def document_id(self) -> str:
        """The id of the document."""
        return self.passages[0].document_id

    @property
    def page(self) -> int | None:
        """The page of the text, from 1, or None if the document has no pages."""
        page = self.passages[0].metadata.get("page")
        return page if isinstance(page, int) else None

    @property
    def start(self) -> int:
        """The place of the first character in the document's text."""
        return self.passages[0].start

    @property
    def end(self) -> int:
        """The place after the last character of the last passage in the document's text."""
        return max(passage.end for passage in self.passages)

    @property
    def shown(self) -> str:
        """The text with its number, its source and its heading path, for a prompt."""
        return f"{heading(self.number, self.source, self.place, title_above(self.title, self.text))}{self.text}"

    def __repr__(self) -> str:
        ids = [passage.id for passage in self.passages]
        return short_repr(self, self.source, {"passages": ids, "tokens": self.tokens, "text": self.text})

    def to_dict(self) -> dict[str, Any]:
        """Return the block as a JSON object. Each passage has its rank, None if it is no hit."""
        facts = ("number", "source", "place", "title", "document_id", "page", "start", "end", "text", "tokens", "cut")
        passages = [
            {
                "id": passage.id,
                "rank": self.ranks.get(passage.id),
                "title": passage.title,
                "start": passage.start,
                "end": passage.end,
            }
            for passage in self.passages
        ]
        return {**{name: getattr(self, name) for name in facts}, "passages": passages}


@dataclass(frozen=True, slots=True)
class Context:
    """The text of the hits and of the passages around them, for a prompt.

    Documents are in the order of their best hits, and the passages of a document in their order there. `tokens` counts
    the tokens of `text`, None if tokens are not counted. `cut` is 1 if a passage was cut to fit the budget.
    `left_out_hits` and `left_out_neighbours` count the passages that did not fit. `folded` counts the passages around
    hits that are left out, because a hit has their text. `notes` report all of this.
    """

    blocks: tuple[Block, ...] = ()
    tokens: int | None = None
    budget_tokens: int | None = None
    cut: int = 0
    left_out_hits: int = 0
    left_out_neighbours: int = 0
    folded: int = 0
    notes: tuple[Note, ...] = field(default_factory=tuple)

    @property
    def text(self) -> str:
        """The blocks as one text; an empty string without blocks."""
        return "\n\n".join(block.shown for block in self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def __repr__(self) -> str:
        facts = {"blocks": len(self.blocks), "tokens": self.tokens, "notes": [note.code for note in self.notes]}
        return short_repr(self, None, facts)

    def to_dict(self) -> dict[str, Any]:
        """Return the context as a JSON object."""
        facts = ("tokens", "budget_tokens", "cut", "left_out_hits", "left_out_neighbours", "folded", "text")
        return {
            **{name: getattr(self, name) for name in facts},
            "notes": [note.to_dict() for note in self.notes],
            "blocks": [block.to_dict() for block in self.blocks],
        }


def title_above(title: str, text: str) -> str:
    """Return the heading path without its last heading if the text begins with this heading."""
    first, last = text.lstrip().split("\n", 1)[0], title.rpartition(" > ")[2]
    begins = last != "" and (first.lstrip("# ").rstrip("# ") == last)
    return title.rpartition(" > ")[0] if begins else title


def heading(number: int, source: str, place: str, title: str) -> str:
    """Return the lines above the text of a block: its number and source, and its heading path."""
    return f"[{number}] {source} {place}".rstrip() + (f"\n{title}\n" if title else "\n")
