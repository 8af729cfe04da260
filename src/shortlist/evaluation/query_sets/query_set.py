"""Queries with judgments: a `QuerySet` from a file, and `Judged`, the same queries resolved against a corpus."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.shown_ids import with_stored_ids
from shortlist.reprs import short_repr
from shortlist.search.query_texts import QueryTexts
from shortlist.text.normal import normalised
from shortlist.text.scripts import SCRIPTS_WITHOUT_SPACES
from shortlist.types import Hit, Passage, Qrels

Level: TypeAlias = Literal["passage", "document"]
"""The kind of the judged ids."""

_SPACE = re.compile(r"\s+")
_INSIDE = rf"[^\W{SCRIPTS_WITHOUT_SPACES}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
"""A letter or digit of a script with spaces between words. The ranges exclude Thai, Lao, Burmese and Khmer, too."""


@dataclass(frozen=True, slots=True)
class QuerySet:
    """Queries and their judgments, before they are resolved against a corpus. `QuerySet.read` reads one from a file.

    Args:
        name: The name of the set.
        queries: Query id -> text.
        qrels: Query id -> id of a passage or document -> grade.
        snippets: Query id -> a text that a relevant passage contains -> the grade of such a passage.
        unjudged: The number of queries in the file that have no judgment; they are not in `queries`.
        rerank_queries: Query id -> the text that the reranker reads in place of the query. A query may lack it.
        places: Query id -> its place in the file ("mine.csv line 3"), for errors. A query may lack its place.
        guessed: File -> its encoding, for files that are not UTF-8 and whose encoding is a guess.
    """

    name: str
    queries: Mapping[str, str]
    qrels: Qrels
    snippets: Qrels = field(default_factory=dict)
    unjudged: int = 0
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    guessed: Mapping[str, str] = field(default_factory=dict, compare=False)
    rerank_queries: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        counts = {
            "queries": len(self.queries),
            "judgments": sum(map(len, self.qrels.values())),
            "snippets": sum(map(len, self.snippets.values())),
            "unjudged": self.unjudged,
        }
        facts: dict[str, object] = {name: count for name, count in counts.items() if count}
        return short_repr(self, self.name, facts | ({"guessed": dict(self.guessed)} if self.guessed else {}))

    @staticmethod
    def read(path: str | Path, *, qrels: str | Path | None = None, split: str = "test", encoding: str = "") -> QuerySet:
        """Read a query set.

        Args:
            path: A BEIR folder, a .csv, .tsv or .jsonl file, or a file of TREC topics.
            qrels: The judgments of TREC topics.
            split: The split of a BEIR folder's judgments, such as "test".
            encoding: The encoding of files that are not UTF-8. Without it, the encoding is a guess: see `guessed`.

        Raises:
            InvalidInput: There is no such file, the encoding is unknown or does not fit, a row cannot be used, or
                nothing can be measured with the set.
        """
        from shortlist.evaluation.query_sets.files import read

        return read(Path(path), qrels=None if qrels is None else Path(qrels), split=split, encoding=encoding)

    def describe(self, query_id: str) -> str:
        """Return the query for an error message: its place in the file or else its id, and its text."""
        return f"{self.places.get(query_id, f'{self.name}, id {query_id}')}, query {self.queries[query_id][:80]!r}"


@dataclass(frozen=True, slots=True)
class Judged:
    """A query set that is resolved against a corpus: every judged id is the id of a passage or of a document.

    `unknown` counts the judged ids and snippets that the corpus lacks; those with a grade above 0 count as never found.
    `unjudged`, `snippets` and `guessed` come from the query set. `by_snippet` maps a query id to the ids in `qrels`
    that come only from a snippet. `depth` is None, or the number of hits of each query that stood for a corpus that
    cannot be listed.
    """

    name: str
    queries: Mapping[str, str]
    qrels: Qrels
    level: Level
    unknown: int = 0
    unjudged: int = 0
    snippets: Qrels = field(default_factory=dict)
    by_snippet: Mapping[str, Set[str]] = field(default_factory=dict)
    depth: int | None = None
    guessed: Mapping[str, str] = field(default_factory=dict, compare=False)
    rerank_queries: Mapping[str, str] = field(default_factory=dict)

    def texts(self, query_id: str) -> QueryTexts:
        """Return the query and the text that the reranker reads."""
        return QueryTexts(self.queries[query_id], (), self.rerank_queries.get(query_id))

    def key(self, hit: Hit) -> str:
        """Return the id that judgments use for this hit."""
        return key_of(hit.passage, self.level)

    @property
    def without_relevant(self) -> int:
        """The number of queries without a relevant id. They score 0 in every measure."""
        return sum(not any(grade > 0 for grade in grades.values()) for grades in self.qrels.values())

    @property
    def fingerprint(self) -> str:
        """A hash of the queries and of the given judgments.

        Two evaluations with equal fingerprints can be compared. The passages with a snippet do not change the hash.
        """
        given = {
            key: [pair for pair in self.qrels[key].items() if pair[0] not in self.by_snippet.get(key, ())]
            for key in self.qrels
        }
        rows = [[key, self.queries[key], sorted(given[key])] for key in sorted(self.queries)]
        texts = [[key, sorted(self.snippets[key].items())] for key in sorted(self.snippets)]
        return _hash([self.level, rows, texts] if texts else [self.level, rows])

    @property
    def resolved(self) -> str:
        """As `fingerprint`, and it also covers the passages with each snippet, and the rerank queries."""
        rows = [[key, self.queries[key], sorted(self.qrels[key].items())] for key in sorted(self.queries)]
        return _hash([self.level, rows, *([sorted(self.rerank_queries.items())] if self.rerank_queries else [])])


def key_of(passage: Passage, level: Level) -> str:
    """Return the passage's id or its document's id. A passage without a document is its own document."""
    return passage.id if level == "passage" else passage.document_id or passage.id


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def checked(query_set: QuerySet) -> QuerySet:
    """Return the query set, if something can be measured with it.

    Raises:
        InvalidInput: No query, a query without text, a judgment of an unknown query, only one judged query, or no
            relevant id.
    """
    name, queries = query_set.name, query_set.queries
    if not queries:
        raise InvalidInput(f"{name} has no judged query: give at least two")
    missing = [key for key in [*query_set.qrels, *query_set.snippets] if key not in queries]
    if missing:
        raise InvalidInput(f"{name} judges {len(missing)} queries that have no text, such as {missing[0]!r}")
    texts = [("query", queries), ("rerank_query of", query_set.rerank_queries)]
    if empty := [(what, key) for what, by_id in texts for key, text in by_id.items() if not text.strip()]:
        what, key = empty[0]
        raise InvalidInput(f"{query_set.places.get(key, name)}: {what} {key!r} is empty")
    if len(queries) == 1:
        raise InvalidInput(f"{name} has one judged query: judge at least two, for an interval or a comparison")
    judgments = [*query_set.qrels.values(), *query_set.snippets.values()]
    if not any(grade > 0 for grades in judgments for grade in grades.values()):
        raise InvalidInput(f"every judgment in {name} is 0: mark what is relevant with a grade of 1 or more")
    return query_set


def resolve(query_set: QuerySet, passages: Iterable[Passage], *, allow_unknown: bool = False) -> Judged:
    """Resolve a query set against a corpus.

    The judged ids name documents if more of them are document ids than passage ids in the corpus; otherwise they name
    passages. A snippet is replaced by every passage (or document) whose text contains it as whole words, in any case
    and spacing. If several snippets of a query give the same id, the id has the highest of their grades. A judgment by
    id takes precedence over snippets. With `allow_unknown`, judged ids and snippets that the corpus lacks are kept and
    counted; no hit can match them. An id may also be the shorter one that the server shows: see `with_stored_ids`.

    Raises:
        InvalidInput: As `checked`. Also if some ids name passages and others documents, or if the corpus lacks a judged
            id or a snippet and `allow_unknown` is False.
    """
    corpus = list(passages)
    query_set = replace(checked(query_set), qrels=with_stored_ids(query_set.qrels, corpus))
    passage_ids = {passage.id for passage in corpus}
    document_ids = {key_of(passage, "document") for passage in corpus}
    ids = {key for grades in query_set.qrels.values() for key in grades}
    level: Level = "document" if len(ids & document_ids) > len(ids & passage_ids) else "passage"
    unknown = ids - (passage_ids if level == "passage" else document_ids)
    _check_level(query_set, level, unknown & (passage_ids | document_ids))
    if unknown and not allow_unknown:
        _check_sources(query_set, corpus, unknown)
        example = min(unknown)
        raise InvalidInput(
            f"{len(unknown)} of {len(ids)} judged ids of {query_set.name} name neither a passage nor a document of the "
            f"corpus, such as {example!r} ({_query_judged_by(query_set, example)}): search the corpus that was judged, "
            "or allow unknown ids (allow_unknown), which count as never found"
        )
    qrels = {key: dict(query_set.qrels.get(key, {})) for key in query_set.queries}
    by_snippet, missing = _resolved_snippets(query_set, corpus, level, allow_unknown=allow_unknown)
    for key, grades in by_snippet.items():
        qrels[key] = grades | qrels[key]
    snippet_ids = {key: grades.keys() - query_set.qrels.get(key, {}).keys() for key, grades in by_snippet.items()}
    return Judged(
        query_set.name,
        query_set.queries,
        qrels,
        level,
        len(unknown) + missing,
        query_set.unjudged,
        query_set.snippets,
        snippet_ids,
        guessed=query_set.guessed,
        rerank_queries=query_set.rerank_queries,
    )


def _check_level(query_set: QuerySet, level: Level, others: Set[str]) -> None:
    """Raise InvalidInput if some ids belong to the other level."""
    if others:
        key = min(others)
        raise InvalidInput(
            f"{query_set.name} mixes passage and document ids: most name {level}s, and {key!r} names a "
            f"{'document' if level == 'passage' else 'passage'} ({_query_judged_by(query_set, key)}). Use "
            "one kind of id"
        )


def _check_sources(query_set: QuerySet, corpus: Iterable[Passage], unknown: Set[str]) -> None:
    """Raise InvalidInput if an unknown id names a source, such as a file whose pages or rows are the documents."""
    documents: dict[str, list[str]] = {}
    for passage in corpus:
        source = passage.metadata.get("source")
        if isinstance(source, str) and source in unknown:
            documents.setdefault(source, []).append(passage.document_id)
    if documents:
        source = min(documents)
        ids = list(dict.fromkeys(documents[source]))
        examples = ", ".join(map(repr, ids[:3]))
        raise InvalidInput(
            f"{source!r} ({_query_judged_by(query_set, source)}) is not a document but the source of "
            f"{len(ids)} documents: {examples}{', ...' if len(ids) > 3 else ''}. Judge by the ids of the "
            "documents that answer the query, or by a snippet of them"
        )


def _query_judged_by(query_set: QuerySet, key: str) -> str:
    """The first query that is judged by this id, as `QuerySet.describe` shows it."""
    return query_set.describe(next(query_id for query_id, grades in query_set.qrels.items() if key in grades))


def _resolved_snippets(
    query_set: QuerySet, corpus: list[Passage], level: Level, *, allow_unknown: bool
) -> tuple[dict[str, dict[str, int]], int]:
    """Query id -> the ids that contain its snippets, with grades; and the number of snippets that nothing contains."""
    if not query_set.snippets:
        return {}, 0
    texts = [
        (key_of(passage, level), _normalized(content))
        for passage in corpus
        for content in dict.fromkeys((passage.content, f"{passage.title}\n{passage.text}"))
        if passage.read_as or content == passage.content
    ]
    by_query: dict[str, dict[str, int]] = {}
    missing = 0
    for query_id, snippets in query_set.snippets.items():
        for snippet, grade in snippets.items():
            normalized = _normalized(snippet)
            pattern = _whole_words(normalized)
            ids = [key for key, text in texts if normalized in text and pattern.search(text)] if normalized else []
            if not ids and not allow_unknown:
                raise InvalidInput(
                    f"{query_set.describe(query_id)}: no passage contains the text {snippet[:80]!r} that "
                    "the query is judged by. Copy a shorter part of the passage, in whole words, or allow unknown "
                    "snippets (allow_unknown), which count as never found"
                )
            if not ids:
                missing += 1
                ids = [f"no passage contains: {snippet}"]
            grades = by_query.setdefault(query_id, {})
            for key in ids:
                grades[key] = max(grade, grades.get(key, grade))
    return by_query, missing


def _whole_words(normalized: str) -> re.Pattern[str]:
    """A pattern that matches the text if it neither begins nor ends inside a word."""
    before = rf"(?<!{_INSIDE})" if re.match(_INSIDE, normalized) else ""
    after = rf"(?!{_INSIDE})" if re.match(_INSIDE, normalized[-1:]) else ""
    return re.compile(before + re.escape(normalized) + after)


def _normalized(text: str) -> str:
    return _SPACE.sub(" ", normalised(text)).strip().casefold()
