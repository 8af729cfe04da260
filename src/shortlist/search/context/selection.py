"""The passages of a context, in the order for reading, and their tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

from shortlist.search.context.context import Block, heading, title_above
from shortlist.search.context.joining import continuation, joined, touch
from shortlist.search.neighbours import number_of
from shortlist.types import Passage
from shortlist.wording.places import place_in_source, source_name

Run = tuple[Passage, ...]
"""Passages that touch, in the order of their document."""


class Selection:
    """Some passages, grouped by document in the order in which the first passage of each document was added.

    The pages of a file are one document here. `count_tokens` counts the tokens of a text. `shown` returns a passage
    with the names that an answer may show.
    """

    def __init__(self, count_tokens: Callable[[str], int], shown: Callable[[Passage], Passage]) -> None:
        self._count, self._shown = count_tokens, shown
        self._documents: dict[str, dict[str, Passage]] = {}
        self._tokens: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._cut: set[str] = set()

    def __contains__(self, passage: Passage) -> bool:
        return passage.id in self._documents.get(document_of(passage), {})

    @property
    def tokens(self) -> int:
        """The tokens of all blocks, counted part by part."""
        return sum(self._tokens.values())

    @property
    def cut(self) -> int:
        """The number of passages that are cut."""
        return len(self._cut)

    def add(self, passage: Passage, body: str | None = None) -> None:
        """Add a passage, or put its beginning `body` in its place."""
        document = document_of(passage)
        if body is not None:
            passage = replace(passage, read_as=body)
            self._cut.add(passage.id)
        self._documents.setdefault(document, {})[passage.id] = passage
        self._tokens[document] = sum(map(self._tokens_of, self._runs(document)))

    def discard(self, passage: Passage) -> None:
        """Remove a passage."""
        document = document_of(passage)
        self._cut.discard(passage.id)
        del self._documents[document][passage.id]
        if self._documents[document]:
            self._tokens[document] = sum(map(self._tokens_of, self._runs(document)))
        else:
            del self._documents[document], self._tokens[document]

    def blocks(self, ranks: Mapping[str, int], *, counted: bool) -> tuple[Block, ...]:
        """Return the blocks. `ranks` maps the ids of hits to their ranks."""
        runs = [run for document in self._documents for run in self._runs(document)]
        return tuple(self._block(number, run, ranks, counted) for number, run in enumerate(runs, start=1))

    def _runs(self, document: str) -> list[Run]:
        runs: list[list[Passage]] = []
        for passage in sorted(self._documents[document].values(), key=_order):
            last = runs[-1][-1] if runs else None
            if last is not None and last.id not in self._cut and touch(last, passage):
                runs[-1].append(passage)
            else:
                runs.append([passage])
        return list(map(tuple, runs))

    def _tokens_of(self, run: Run) -> int:
        parts = [_heading(1, self._shown(run[0]), run[-1].end), run[0].body]
        parts += [continuation(before, after) for before, after in pairwise(run)]
        return sum(map(self._counted, parts))

    def _counted(self, text: str) -> int:
        if text not in self._counts:
            self._counts[text] = self._count(text)
        return self._counts[text]

    def _block(self, number: int, run: Run, ranks: Mapping[str, int], counted: bool) -> Block:
        passages = tuple(map(self._shown, run))
        first, end = passages[0], max(passage.end for passage in run)
        block = Block(
            number,
            source_name(first),
            place_in_source(first, end),
            first.title,
            joined(run),
            passages,
            {shown.id: ranks[passage.id] for shown, passage in zip(passages, run, strict=True) if passage.id in ranks},
            cut=any(passage.id in self._cut for passage in run),
        )
        return replace(block, tokens=self._count(block.shown)) if counted else block


def document_of(passage: Passage) -> str:
    """Return the name by which passages are grouped: the id of the document, or of the file that has pages."""
    page, document = passage.metadata.get("page"), passage.document_id or passage.id
    ending = f"#page={page}"
    return document[: -len(ending)] if page is not None and document.endswith(ending) else document


def _order(passage: Passage) -> tuple[int, int, int, str]:
    page, numbered = passage.metadata.get("page"), number_of(passage.id)
    return (page if isinstance(page, int) else 0, numbered[1] if numbered else 0, passage.start, passage.id)


def _heading(number: int, first: Passage, end: int) -> str:
    return heading(number, source_name(first), place_in_source(first, end), title_above(first.title, first.body))
