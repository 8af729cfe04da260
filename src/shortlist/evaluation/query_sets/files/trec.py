"""TREC's text formats: topics, qrels and runs.

Source:
    trec_eval's README, https://github.com/usnistgov/trec_eval, for the columns of qrels and runs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from shortlist.atomic_io import write_whole
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import (
    RESOLVE,
    Encodings,
    check_plain,
    grade_of,
    judge,
    lines_of,
    text_of,
)
from shortlist.evaluation.query_sets.query_set import QuerySet, checked
from shortlist.types import Qrels

RUN_COLUMNS = 5
"""The columns of a run that are read: without the tag."""
_TOPIC = re.compile(r"<top>(.*?)</top>", re.DOTALL)
_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*([^\s<]+)")
_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*(.*?)\s*(?=<|\Z)", re.DOTALL)


def read_trec(topics: Path, qrels: Path, encodings: Encodings | None = None) -> QuerySet:
    """Read the judged queries of a topics file. Raises as the two readers and `query_set.checked`."""
    texts, grades = read_topics(topics, encodings), read_qrels(qrels, encodings)
    queries = {key: texts[key] for key in grades if key in texts}
    return checked(QuerySet(topics.stem, queries, grades, unjudged=len(texts) - len(queries)))


def read_topics(file: Path, encodings: Encodings | None = None) -> dict[str, str]:
    """Return query id -> text, from `id TAB text` lines or from the titles of `<top>` blocks.

    Raises:
        InvalidInput: The file cannot be read, a topic lacks its number or title, or an id occurs twice.
    """
    topics: dict[str, str] = {}
    content = text_of(file, encodings)
    for place, key, text in _blocks(file, content) if "<top>" in content else _tab_lines(file, encodings):
        if key in topics:
            raise InvalidInput(f"{place}: query {key!r} occurs twice")
        topics[key] = text
    return topics


def _blocks(file: Path, content: str) -> list[tuple[str, str, str]]:
    topics = []
    for count, block in enumerate(_TOPIC.findall(content), start=1):
        number, title = _NUMBER.search(block), _TITLE.search(block)
        if number is None or title is None:
            raise InvalidInput(f"{file} topic {count} lacks its <num> or its <title>")
        topics.append((f"{file} topic {count}", number[1], " ".join(title[1].split())))
    return topics


def _tab_lines(file: Path, encodings: Encodings | None) -> list[tuple[str, str, str]]:
    topics = []
    for place, line in lines_of(file, encodings):
        key, tab, text = line.partition("\t")
        if not tab or not key.strip():
            raise InvalidInput(f"{place}: a topic is its id, a tab and its text")
        topics.append((place, key.strip(), text.strip()))
    return topics


def read_qrels(file: Path, encodings: Encodings | None = None) -> dict[str, dict[str, int]]:
    """Return query id -> passage id -> grade, from lines `query 0 passage grade`.

    Raises:
        InvalidInput: The file cannot be read, a line has other columns, or a pair has two grades.
    """
    qrels: dict[str, dict[str, int]] = {}
    for place, line in lines_of(file, encodings):
        cells = line.split()
        if len(cells) != 4:
            raise InvalidInput(f"{place} has {len(cells)} columns; a judgment has 4: query, 0, passage, grade")
        judge(qrels, cells[0], cells[2], grade_of(cells[3], place), place)
    return qrels


def read_run(file: Path) -> dict[str, dict[str, float]]:
    """Return query id -> passage id -> score, from lines `query Q0 passage rank score tag`.

    As in trec_eval, the scores decide, and the ranks have no meaning: they may repeat, or be no numbers. The tag may be
    missing, or contain spaces.

    Raises:
        InvalidInput: The file cannot be read, a line has fewer than five columns, a score is not a finite number, or a
            passage occurs twice in one query.
    """
    run: dict[str, dict[str, float]] = {}
    for place, line in lines_of(file):
        cells = line.split()
        if len(cells) < RUN_COLUMNS:
            raise InvalidInput(
                f"{place} has {len(cells)} columns; a run has at least {RUN_COLUMNS}: query, Q0, passage, rank, score"
            )
        query, key, score = cells[0], cells[2], _number(cells[4], place)
        if key in run.setdefault(query, {}):
            raise InvalidInput(f"{place}: passage {key!r} occurs twice in query {query!r}")
        run[query][key] = score
    return run


def _number(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(f"{place}: score {text!r} is not a finite number")
    return value


def write_trec(query_set: QuerySet, topics: Path, qrels: Path) -> None:
    """Write the set as topics and qrels: see `write_topics` and `write_qrels`.

    Raises:
        InvalidInput: The set is judged by snippets or has rerank queries, or an id contains white space: nothing is
        written. Or a file cannot
            be written.
    """
    check_plain(query_set, "a file of TREC topics")
    if query_set.snippets:
        raise InvalidInput(f"{query_set.name} is judged by text snippets, which TREC qrels cannot hold: {RESOLVE}")
    for key in [*query_set.queries, *(key for grades in query_set.qrels.values() for key in grades)]:
        _token(key)
    write_topics(query_set.queries, topics)
    write_qrels(query_set.qrels, qrels)


def write_topics(queries: Mapping[str, str], file: Path) -> None:
    """Write `id TAB text` lines. Line breaks and tabs in a text become spaces."""
    rows = [f"{_token(key)}\t{' '.join(text.split())}\n" for key, text in queries.items()]
    write_whole(file, "".join(rows))


def write_qrels(qrels: Qrels, file: Path) -> None:
    """Write `query 0 passage grade` lines. An id with white space raises InvalidInput."""
    rows = [f"{_token(q)} 0 {_token(key)} {grade}\n" for q, grades in qrels.items() for key, grade in grades.items()]
    write_whole(file, "".join(rows))


def write_run(rankings: Mapping[str, Sequence[str]], file: Path, *, tag: str = "shortlist") -> None:
    """Write rankings as a run. The score falls by one for each rank, so that no tool reorders ties by id.

    Raises:
        InvalidInput: An id contains white space, or the file cannot be written.
    """
    rows = [
        f"{_token(query)} Q0 {_token(key)} {rank} {len(ids) - rank + 1} {_token(tag)}\n"
        for query, ids in rankings.items()
        for rank, key in enumerate(ids, start=1)
    ]
    write_whole(file, "".join(rows))


def _token(text: str) -> str:
    if not text or text.split() != [text]:
        raise InvalidInput(f"TREC files cannot hold the id {text!r}, because white space separates their columns")
    return text
