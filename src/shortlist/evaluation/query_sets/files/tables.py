"""Query sets of your own, as CSV or JSON lines: each query with the ids or the texts that answer it.

CSV: the first row names the columns, separated by commas, semicolons or tabs. `query` is required, and `relevant` (ids,
separated by |) or `snippet` (a part of an answering passage, in whole words) or both. `id`, `grade` and `rerank_query`
(the text that the reranker reads in place of the query) are optional.
Rows with the same query are joined. A row without an id is joined to an earlier row with the same query.

A CSV file with the columns `query`, `id` and `clicks` has clicks in place of judgments: see `clicks`.

JSON lines: `{"query": "...", "relevant": ["id", ...], "snippets": ["...", ...]}`. `relevant` and `snippets` may be
objects of grades, such as `{"id": 2}`. `"id"` names the query, and `"rerank_query"` is a text. A query without an id
gets one from the hash of its text, so that saved results still match after the file was reordered. A null counts as a
missing field.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from shortlist.atomic_io import write_whole
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files import clicks
from shortlist.evaluation.query_sets.files.cells import rows_of
from shortlist.evaluation.query_sets.files.rows import Encodings, grade_of, judge, objects_of, suffix_of, table_of
from shortlist.evaluation.query_sets.query_set import QuerySet, checked

SEPARATOR = "|"
COLUMNS = ("id", "query", "relevant", "grade", "snippet")
RERANK = "rerank_query"
"""A further column. It is written only if a query of the set has a rerank query."""


def id_of(query: str) -> str:
    """Return the id for a query without one: a hash of its text."""
    return "q-" + hashlib.sha256(query.strip().encode()).hexdigest()[:10]


class _Builder:
    """Collects the queries and judgments of the rows."""

    def __init__(self) -> None:
        self.queries: dict[str, str] = {}
        self.qrels: dict[str, dict[str, int]] = {}
        self.snippets: dict[str, dict[str, int]] = {}
        self.places: dict[str, str] = {}
        self.rerank_queries: dict[str, str] = {}
        self._ids: dict[str, list[str]] = {}
        self._unnamed: set[str] = set()

    def query(self, text: str, name: str, place: str) -> str:
        text = text.strip()
        if not text:
            raise InvalidInput(f"{place}: the query is empty")
        key = name or self._id_of_text(text, place)
        if name and text in self._unnamed and name != id_of(text):
            raise InvalidInput(
                f"{place}: the query has the id {name!r}, and an earlier row has no id: add the id there"
            )
        if self.queries.setdefault(key, text) != text:
            raise InvalidInput(f"{place}: query id {key!r} has another text in an earlier row")
        self.places.setdefault(key, place)
        if key not in (ids := self._ids.setdefault(text, [])):
            ids.append(key)
        return key

    def rerank_query(self, key: str, text: str, place: str) -> None:
        text = text.strip()
        if text and self.rerank_queries.setdefault(key, text) != text:
            raise InvalidInput(f"{place}: query id {key!r} has another {RERANK} in an earlier row")

    def _id_of_text(self, text: str, place: str) -> str:
        """The id of an earlier query with this text, or else the hash of the text."""
        ids = self._ids.get(text, [])
        if len(ids) > 1:
            known = ", ".join(map(repr, ids))
            raise InvalidInput(
                f"{place}: the query has no id, and earlier rows have its text with the ids {known}: give the id"
            )
        if not ids:
            self._unnamed.add(text)
        return ids[0] if ids else id_of(text)

    def built(self, name: str) -> QuerySet:
        judged = {key for key in self.queries if key in self.qrels or key in self.snippets}
        queries = {key: text for key, text in self.queries.items() if key in judged}
        unjudged = len(self.queries) - len(judged)
        texts = {key: text for key, text in self.rerank_queries.items() if key in judged}
        return checked(QuerySet(name, queries, self.qrels, self.snippets, unjudged, self.places, rerank_queries=texts))

    def partial(self, name: str) -> QuerySet:
        return QuerySet(name, self.queries, self.qrels, self.snippets, rerank_queries=self.rerank_queries)


def read_partial(file: Path) -> QuerySet:
    """Read an unfinished .csv or .jsonl file: queries without judgments stay, and the set may be empty.

    Raises:
        InvalidInput: The file cannot be read, or a row cannot be used.
    """
    builder = _csv(file) if suffix_of(file) in {".csv", ".tsv"} else _jsonl(file)
    return builder.partial(file.stem)


def read_csv(file: Path, encodings: Encodings | None = None) -> QuerySet:
    """Read the query set in a CSV file. The cells are separated by commas, semicolons or tabs.

    Raises:
        InvalidInput: The file cannot be read, lacks a column, or a row cannot be used; or as `query_set.checked`.
    """
    return _csv(file, encodings).built(file.stem)


def _csv(file: Path, encodings: Encodings | None = None) -> _Builder:
    text, delimiter = table_of(file, lambda names: len(names & {*COLUMNS, RERANK, *clicks.COLUMNS}), encodings)
    rows = rows_of(text, delimiter, file)
    columns = [name.strip().lower() for name in next(rows, ("", []))[1]]
    if clicks.is_click_table(columns):
        return _from_clicks(_named(rows, columns, delimiter))
    unknown = [name for name in columns if name not in (*COLUMNS, RERANK)]
    if "query" not in columns or not {"relevant", "snippet"} & set(columns) or unknown:
        problem = f"{unknown[0]!r} is unknown" if unknown else f"it names {', '.join(columns) or 'nothing'}"
        topics = (
            "; TREC topics need the file of their judgments, too (qrels, or --qrels on the command line)"
            if delimiter == "\t"
            else ""
        )
        raise InvalidInput(
            f"{file}: the first row must name query, and relevant or snippet; id, grade and {RERANK} are optional: "
            f"{problem}{topics}"
        )
    builder = _Builder()
    for place, row in _named(rows, columns, delimiter):
        _add_row(builder, row, place)
    return builder


def _named(
    rows: Iterable[tuple[str, Sequence[str]]], columns: Sequence[str], delimiter: str
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the place of each row that is not blank, and its cells by their column."""
    for place, cells in rows:
        _check_cells(cells[len(columns) :], place, delimiter)
        if cells:
            yield place, dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))


def _from_clicks(rows: Iterable[tuple[str, Mapping[str, str]]]) -> _Builder:
    table, builder = clicks.ClickTable(), _Builder()
    for place, row in rows:
        table.add(row, place)
    for query, place in table.queries.items():
        key = builder.query(query, "", place)
        for name, grade in table.grades(query).items():
            judge(builder.qrels, key, name, grade, place)
    return builder


def _check_cells(extra: Sequence[str], place: str, delimiter: str) -> None:
    if any(cell.strip() for cell in extra):
        raise InvalidInput(
            f"{place} has more cells than the first row has columns: put a text that contains {delimiter!r} between "
            "double quotes"
        )


def _add_row(builder: _Builder, row: Mapping[str, str], place: str) -> None:
    key = builder.query(row["query"], row.get("id", "").strip(), place)
    builder.rerank_query(key, row.get(RERANK, ""), place)
    grade = grade_of(row.get("grade", "").strip() or 1, place)
    for name in row.get("relevant", "").split(SEPARATOR):
        if name.strip():
            judge(builder.qrels, key, name.strip(), grade, place)
    if row.get("snippet", "").strip():
        judge(builder.snippets, key, row["snippet"].strip(), grade, place)


def read_jsonl(file: Path, encodings: Encodings | None = None) -> QuerySet:
    """Read the query set in a file of JSON lines.

    Raises:
        InvalidInput: The file cannot be read, or a line cannot be used; or as `query_set.checked`.
    """
    return _jsonl(file, encodings).built(file.stem)


def _jsonl(file: Path, encodings: Encodings | None = None) -> _Builder:
    builder = _Builder()
    for place, record in objects_of(file, encodings):
        unknown = set(record) - {"id", "query", "relevant", "snippets", RERANK}
        if unknown or not isinstance(record.get("query"), str):
            problem = f"unknown field {min(unknown)!r}" if unknown else 'no "query" string'
            raise InvalidInput(f"{place}: {problem}; the fields are id, query, relevant, snippets, {RERANK}")
        key = builder.query(record["query"], _id(record.get("id")), place)
        if not isinstance(record.get(RERANK, ""), str | None):
            raise InvalidInput(f"{place}: {RERANK} must be a string")
        builder.rerank_query(key, record.get(RERANK) or "", place)
        for name, grade in _grades_of(record.get("relevant"), "relevant", place).items():
            judge(builder.qrels, key, name, grade, place)
        for text, grade in _grades_of(record.get("snippets"), "snippets", place).items():
            judge(builder.snippets, key, text, grade, place)
    return builder


def _id(given: object) -> str:
    return "" if given is None else str(given).strip()


def _grades_of(given: object, what: str, place: str) -> dict[str, int]:
    if given is None:
        return {}
    if isinstance(given, dict):
        return {str(name): grade_of(grade, place) for name, grade in given.items()}
    return dict.fromkeys(_strings(given, what, place), 1)


def _strings(given: object, what: str, place: str) -> list[str]:
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list) or not all(isinstance(text, str | int) and str(text).strip() for text in given):
        raise InvalidInput(f"{place}: {what} must be a list of non-empty strings")
    return [str(text) for text in given]


def write_jsonl(query_set: QuerySet, file: Path) -> None:
    """Write one object for each query, with ids and grades.

    Raises:
        InvalidInput: The file cannot be written.
    """
    lines = []
    for key, text in query_set.queries.items():
        record: dict[str, object] = {"id": key, "query": text, "relevant": dict(query_set.qrels.get(key, {}))}
        if query_set.snippets.get(key):
            record["snippets"] = dict(query_set.snippets[key])
        if key in query_set.rerank_queries:
            record[RERANK] = query_set.rerank_queries[key]
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    write_whole(file, "".join(lines))


def write_csv(query_set: QuerySet, file: Path) -> None:
    """Write one row for each judgment, with ids and grades, and one row for each query without a judgment.

    Raises:
        InvalidInput: An id contains |, which separates ids in this format, or the file cannot be written.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    rerank = query_set.rerank_queries
    writer.writerow([*COLUMNS, RERANK] if rerank else COLUMNS)
    for key, text in query_set.queries.items():
        last = [rerank.get(key, "")] if rerank else []
        for name, grade in query_set.qrels.get(key, {}).items():
            if SEPARATOR in name:
                raise InvalidInput(f"a CSV query set cannot hold the id {name!r}, because {SEPARATOR} separates ids")
            writer.writerow([key, text, name, grade, "", *last])
        for snippet, grade in query_set.snippets.get(key, {}).items():
            writer.writerow([key, text, "", grade, snippet, *last])
        if not query_set.qrels.get(key) and not query_set.snippets.get(key):
            writer.writerow([key, text, "", "", "", *last])
    write_whole(file, out.getvalue())
