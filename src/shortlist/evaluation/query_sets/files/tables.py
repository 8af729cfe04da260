"""Query sets of one's own, as CSV or JSON lines: `query` beside the ids or the texts that answer it.

CSV: the first row names the columns. `query`, and `relevant` (ids, several separated by |) or `snippet` (a stretch of
an answering passage, in whole words) or both; `id` and `grade` may stand beside them. Rows with the same query join,
also one without an id to one above that has it.

JSON lines: `{"query": "...", "relevant": ["id", ...], "snippets": ["...", ...]}`; `relevant` may be an object of
grades, `{"id": 2}`, and so may `snippets`; `"id"` may name the query. A query without an id gets one from the hash of
its text, so that saved results still pair after the file was reordered. A null is as good as a missing field.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

from shortlist.atomic_io import write_whole
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import grade_of, judge, objects_of, text_of
from shortlist.evaluation.query_sets.query_set import QuerySet, checked

SEPARATOR = "|"
COLUMNS = ("id", "query", "relevant", "grade", "snippet")


def id_of(query: str) -> str:
    """The id of a query that has none: from the hash of its text."""
    return "q-" + hashlib.sha256(query.strip().encode()).hexdigest()[:10]


class _Builder:
    """Queries and judgments while rows come in."""

    def __init__(self) -> None:
        self.queries: dict[str, str] = {}
        self.qrels: dict[str, dict[str, int]] = {}
        self.snippets: dict[str, dict[str, int]] = {}
        self.places: dict[str, str] = {}
        self._ids: dict[str, list[str]] = {}
        self._unnamed: set[str] = set()

    def query(self, text: str, name: str, place: str) -> str:
        text = text.strip()
        if not text:
            raise InvalidInput(f"{place}: the query is empty")
        key = name or self._of_text(text, place)
        if name and text in self._unnamed and name != id_of(text):
            raise InvalidInput(
                f"{place}: the query has the id {name!r} and stands above without one: give it there too"
            )
        if self.queries.setdefault(key, text) != text:
            raise InvalidInput(f"{place}: query id {key!r} has another text above")
        self.places.setdefault(key, place)
        if key not in (ids := self._ids.setdefault(text, [])):
            ids.append(key)
        return key

    def _of_text(self, text: str, place: str) -> str:
        """The id of the query above with this text, else one from its hash."""
        ids = self._ids.get(text, [])
        if len(ids) > 1:
            raise InvalidInput(
                f"{place}: the query has no id, and its text stands above under several, {', '.join(map(repr, ids))}: "
                "say which"
            )
        if not ids:
            self._unnamed.add(text)
        return ids[0] if ids else id_of(text)

    def made(self, name: str) -> QuerySet:
        judged = {key for key in self.queries if key in self.qrels or key in self.snippets}
        queries = {key: text for key, text in self.queries.items() if key in judged}
        unjudged = len(self.queries) - len(judged)
        return checked(QuerySet(name, queries, self.qrels, self.snippets, unjudged, self.places))

    def partial(self, name: str) -> QuerySet:
        return QuerySet(name, self.queries, self.qrels, self.snippets)


def read_partial(file: Path) -> QuerySet:
    """What a .csv or .jsonl file holds so far: queries without judgments stay, and nothing has to be measurable.

    Raises:
        InvalidInput: The file can't be read, or a row can't be used.
    """
    built = _csv(file) if file.suffix.lower() in {".csv", ".tsv"} else _jsonl(file)
    return built.partial(file.stem)


def read_csv(file: Path) -> QuerySet:
    """The query set in a CSV file, or in a .tsv file with tabs.

    Raises:
        InvalidInput: The file can't be read, lacks a column, or a row can't be used; or as `query_set.checked`.
    """
    return _csv(file).made(file.stem)


def _csv(file: Path) -> _Builder:
    mark = "\t" if file.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(io.StringIO(text_of(file), newline=""), delimiter=mark, restkey="", restval="")
    try:
        columns = [name.strip().lower() for name in reader.fieldnames or []]
    except csv.Error as error:
        raise InvalidInput(f"{file} line 1 is not readable as CSV: {error}") from error
    unknown = [name for name in columns if name not in COLUMNS]
    if "query" not in columns or not {"relevant", "snippet"} & set(columns) or unknown:
        said = f"the column {unknown[0]!r}" if unknown else ", ".join(columns) or "nothing"
        topics = "; TREC topics need their judgments beside them (--qrels FILE)" if mark == "\t" else ""
        raise InvalidInput(
            f"{file}: the first row must name query, relevant or snippet, and may name id, grade: {said}{topics}"
        )
    reader.fieldnames = columns
    builder = _Builder()
    try:
        for row in reader:
            _add_row(builder, row, f"{file} line {reader.line_num}")
    except csv.Error as error:
        raise InvalidInput(f"{file} line {reader.line_num} is not readable as CSV: {error}") from error
    return builder


def _add_row(builder: _Builder, row: Mapping[str, str], place: str) -> None:
    if "" in row:
        raise InvalidInput(f"{place} has more cells than the first row has columns")
    key = builder.query(row["query"], row.get("id", "").strip(), place)
    grade = grade_of(row.get("grade", "").strip() or 1, place)
    for name in row.get("relevant", "").split(SEPARATOR):
        if name.strip():
            judge(builder.qrels, key, name.strip(), grade, place)
    if row.get("snippet", "").strip():
        judge(builder.snippets, key, row["snippet"].strip(), grade, place)


def read_jsonl(file: Path) -> QuerySet:
    """The query set in a file of JSON lines.

    Raises:
        InvalidInput: The file can't be read, or a line can't be used; or as `query_set.checked`.
    """
    return _jsonl(file).made(file.stem)


def _jsonl(file: Path) -> _Builder:
    builder = _Builder()
    for place, record in objects_of(file):
        unknown = set(record) - {"id", "query", "relevant", "snippets"}
        if unknown or not isinstance(record.get("query"), str):
            said = f"unknown field {min(unknown)!r}" if unknown else 'no "query" string'
            raise InvalidInput(f"{place}: {said}; the fields are id, query, relevant, snippets")
        key = builder.query(record["query"], _id(record.get("id")), place)
        for name, grade in _graded(record.get("relevant"), "relevant", place).items():
            judge(builder.qrels, key, name, grade, place)
        for text, grade in _graded(record.get("snippets"), "snippets", place).items():
            judge(builder.snippets, key, text, grade, place)
    return builder


def _id(given: object) -> str:
    return "" if given is None else str(given).strip()


def _graded(given: object, what: str, place: str) -> dict[str, int]:
    if given is None:
        return {}
    if isinstance(given, dict):
        return {str(name): grade_of(grade, place) for name, grade in given.items()}
    return dict.fromkeys(_strings(given, what, place), 1)


def _strings(given: object, what: str, place: str) -> list[str]:
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list) or not all(isinstance(one, str | int) and str(one).strip() for one in given):
        raise InvalidInput(f"{place}: {what} must be a list of strings that are not empty")
    return [str(one) for one in given]


def write_jsonl(made: QuerySet, file: Path) -> None:
    """Writes one object a query, with ids and grades kept.

    Raises:
        InvalidInput: The file can't be written.
    """
    lines = []
    for key, text in made.queries.items():
        record: dict[str, object] = {"id": key, "query": text, "relevant": dict(made.qrels.get(key, {}))}
        if made.snippets.get(key):
            record["snippets"] = dict(made.snippets[key])
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    write_whole(file, "".join(lines))


def write_csv(made: QuerySet, file: Path) -> None:
    """Writes one row a judgment, with ids and grades kept, and one for a query without any.

    Raises:
        InvalidInput: An id holds |, which separates ids in this format, or the file can't be written.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for key, text in made.queries.items():
        for name, grade in made.qrels.get(key, {}).items():
            if SEPARATOR in name:
                raise InvalidInput(f"a CSV query set can't hold the id {name!r}: {SEPARATOR} separates ids")
            writer.writerow([key, text, name, grade, ""])
        for snippet, grade in made.snippets.get(key, {}).items():
            writer.writerow([key, text, "", grade, snippet])
        if not made.qrels.get(key) and not made.snippets.get(key):
            writer.writerow([key, text, "", "", ""])
    write_whole(file, out.getvalue())
