"""Queries with judgments: what a query set holds, and what it means in one corpus."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from shortlist.errors import InvalidInput
from shortlist.text.scripts import SCRIPTS_WITHOUT_SPACES
from shortlist.types import Hit, Passage, Qrels

Level: TypeAlias = Literal["passage", "document"]
"""What the judged ids name."""

_SPACE = re.compile(r"\s+")
_INSIDE = rf"[^\W{SCRIPTS_WITHOUT_SPACES}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
"""A letter or digit of a script with spaces between words; Thai, Lao, Burmese and Khmer have none either."""


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Queries and what is known to answer them, as read from files; the corpus is not known yet.

    `snippets` holds, for a query, texts that a passage contains, each with the passage's grade. `unjudged` counts
    queries that the files held without a judgment; they are not in `queries`. `places` says where a query stands
    ("mine.csv line 3"), for errors; a query may lack its place.
    """

    name: str
    queries: Mapping[str, str]
    qrels: Qrels
    snippets: Qrels = field(default_factory=dict)
    unjudged: int = 0
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def named(self, key: str) -> str:
        """The query for an error: its text, after where it stands or else its id."""
        return f"{self.places.get(key, f'{self.name}, id {key}')}, query {self.queries[key][:80]!r}"


@dataclass(frozen=True, slots=True)
class Judged:
    """A query set resolved against a corpus: every judged id is a passage's or a document's.

    `unknown` counts judged ids and snippets that the corpus lacks; the relevant ones count as never found.
    `without_relevant` counts queries whose judgments are all zero; they score 0 in every measure. `snippets` are
    those that were given, and `by_snippet` holds, for a query, the ids in `qrels` that stand there for a snippet alone.
    """

    name: str
    queries: Mapping[str, str]
    qrels: Qrels
    level: Level
    unknown: int = 0
    unjudged: int = 0
    snippets: Qrels = field(default_factory=dict)
    by_snippet: Mapping[str, Set[str]] = field(default_factory=dict)

    def key(self, hit: Hit) -> str:
        """The id that judgments use for this hit."""
        return hit.passage.id if self.level == "passage" else hit.passage.document_id or hit.passage.id

    @property
    def without_relevant(self) -> int:
        """How many queries have no relevant id."""
        return sum(not any(grade > 0 for grade in grades.values()) for grades in self.qrels.values())

    @property
    def fingerprint(self) -> str:
        """A hash of the queries and of what was judged, ids and snippets as given: the same only for the same test.

        Which passages hold a snippet has no part in it, so one test can be compared over corpora that differ.
        """
        found = self.by_snippet
        given = {
            key: [one for one in self.qrels[key].items() if one[0] not in found.get(key, ())] for key in self.qrels
        }
        held = [[key, self.queries[key], sorted(given[key])] for key in sorted(self.queries)]
        texts = [[key, sorted(self.snippets[key].items())] for key in sorted(self.snippets)]
        return _hash([self.level, held, texts] if texts else [self.level, held])

    @property
    def resolved(self) -> str:
        """As `fingerprint`, of the passages that snippets stand for too: the same only for the same numbers."""
        held = [[key, self.queries[key], sorted(self.qrels[key].items())] for key in sorted(self.queries)]
        return _hash([self.level, held])


def _hash(held: object) -> str:
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()[:16]


def checked(made: QuerySet) -> QuerySet:
    """The query set, if something can be measured with it.

    Raises:
        InvalidInput: No query, a query without text, a judgment of an unknown query, one judged query alone, or no
            relevant id at all.
    """
    if not made.queries:
        raise InvalidInput(f"{made.name} holds no judged query: give at least two")
    lost = [key for key in [*made.qrels, *made.snippets] if key not in made.queries]
    if lost:
        raise InvalidInput(f"{made.name} judges {len(lost)} queries that it has no text for, such as {lost[0]!r}")
    empty = [key for key, text in made.queries.items() if not text.strip()]
    if empty:
        raise InvalidInput(f"{made.places.get(empty[0], made.name)}: query {empty[0]!r} is empty")
    if len(made.queries) == 1:
        raise InvalidInput(
            f"{made.name} holds one judged query: no interval and no comparison can be made of it. Judge at least two"
        )
    judged = [*made.qrels.values(), *made.snippets.values()]
    if not any(grade > 0 for grades in judged for grade in grades.values()):
        raise InvalidInput(f"every judgment in {made.name} is 0: mark what is relevant with a grade of 1 or more")
    return made


def resolve(made: QuerySet, passages: Iterable[Passage], *, allow_unknown: bool = False) -> Judged:
    """The query set against a corpus: whether ids name passages or documents, and which passages hold each snippet.

    Ids name passages where the corpus has more of them as passage ids than as document ids. A snippet stands for
    every passage (or document) whose text contains it as whole words, in any case and spacing. What several snippets
    of a query find gets the highest of their grades, and a judgment by id goes before them all. With `allow_unknown`,
    judged ids and snippets that the corpus lacks are kept, as ids that nothing can find, and counted.

    Raises:
        InvalidInput: As `checked`; or ids name passages and documents mixed; or the corpus lacks a judged id, or no
            passage holds a snippet, and `allow_unknown` is off.
    """
    checked(made)
    corpus = list(passages)
    by_passage = {one.id for one in corpus}
    by_document = {one.document_id or one.id for one in corpus}
    asked = {key for grades in made.qrels.values() for key in grades}
    level: Level = "document" if len(asked & by_document) > len(asked & by_passage) else "passage"
    known = by_passage if level == "passage" else by_document
    unknown = asked - known
    _check_level(made, level, unknown & (by_passage | by_document))
    if unknown and not allow_unknown:
        _check_files(made, corpus, unknown)
        lost = min(unknown)
        raise InvalidInput(
            f"{len(unknown)} of {len(asked)} judged ids of {made.name} are in the index neither as passages nor as "
            f"documents, such as {lost!r} ({made.named(_judging(made, lost))}): index the corpus that was judged, or "
            "measure with --allow-unknown, which counts them as never found"
        )
    qrels = {key: dict(made.qrels.get(key, {})) for key in made.queries}
    holders, without = _holders(made, corpus, level, allow_unknown=allow_unknown)
    for key, held in holders.items():
        qrels[key] = held | qrels[key]
    by_snippet = {key: held.keys() - made.qrels.get(key, {}).keys() for key, held in holders.items()}
    lacking = len(unknown) + without
    return Judged(made.name, made.queries, qrels, level, lacking, made.unjudged, made.snippets, by_snippet)


def _check_level(made: QuerySet, level: Level, other: Set[str]) -> None:
    """Does nothing where no id is of the other level."""
    if other:
        one = min(other)
        raise InvalidInput(
            f"{made.name} mixes passage and document ids: most name {level}s, and {one!r} names a "
            f"{'document' if level == 'passage' else 'passage'} ({made.named(_judging(made, one))}). Judge by one kind"
        )


def _check_files(made: QuerySet, corpus: Iterable[Passage], unknown: Set[str]) -> None:
    """Does nothing where no id names a source, such as a file whose pages or rows are the documents."""
    held: dict[str, list[str]] = {}
    for one in corpus:
        source = one.metadata.get("source")
        if isinstance(source, str) and source in unknown:
            held.setdefault(source, []).append(one.document_id)
    if held:
        file = min(held)
        ids = list(dict.fromkeys(held[file]))
        some = ", ".join(map(repr, ids[:3]))
        raise InvalidInput(
            f"{file!r} ({made.named(_judging(made, file))}) is no document but the source of {len(ids)} in the index: "
            f"{some}{', ...' if len(ids) > 3 else ''}. Judge by the ids of those that answer, or by a snippet of them"
        )


def _judging(made: QuerySet, lost: str) -> str:
    """The first query that is judged by this id."""
    return next(key for key, grades in made.qrels.items() if lost in grades)


def _holders(
    made: QuerySet, corpus: list[Passage], level: Level, *, allow_unknown: bool
) -> tuple[dict[str, dict[str, int]], int]:
    """Query id -> ids of what contains its snippets, with grades; and how many snippets nothing contains."""
    if not made.snippets:
        return {}, 0
    texts = [(one.id if level == "passage" else one.document_id or one.id, _folded(one.content)) for one in corpus]
    found: dict[str, dict[str, int]] = {}
    without = 0
    for query_id, wanted in made.snippets.items():
        for snippet, grade in wanted.items():
            folded = _folded(snippet)
            whole = _whole_words(folded)
            holders = [key for key, text in texts if folded in text and whole.search(text)] if folded else []
            if not holders and not allow_unknown:
                raise InvalidInput(
                    f"{made.named(query_id)}: no passage of the index holds the text {snippet[:80]!r} that it is "
                    "judged by. Copy a shorter stretch of it, in whole words, or measure with --allow-unknown, which "
                    "counts it as never found"
                )
            if not holders:
                without += 1
                holders = [f"no passage holds: {snippet}"]
            held = found.setdefault(query_id, {})
            for key in holders:
                held[key] = max(grade, held.get(key, grade))
    return found, without


def _whole_words(folded: str) -> re.Pattern[str]:
    """Finds the text where it neither begins nor ends inside a word."""
    before = rf"(?<!{_INSIDE})" if re.match(_INSIDE, folded) else ""
    after = rf"(?!{_INSIDE})" if re.match(_INSIDE, folded[-1:]) else ""
    return re.compile(before + re.escape(folded) + after)


def _folded(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()
