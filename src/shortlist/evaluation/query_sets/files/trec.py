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
from shortlist.evaluation.query_sets.files.rows import BY_INDEX, grade_of, judge, lines_of, text_of
from shortlist.evaluation.query_sets.query_set import QuerySet, checked
from shortlist.types import Qrels

_TOPIC = re.compile(r"<top>(.*?)</top>", re.DOTALL)
_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*([^\s<]+)")
_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*(.*?)\s*(?=<|\Z)", re.DOTALL)


def read_trec(topics: Path, qrels: Path) -> QuerySet:
    """The judged queries of a topics file; raises as the two readers and `query_set.checked` do."""
    texts, grades = read_topics(topics), read_qrels(qrels)
    queries = {key: texts[key] for key in grades if key in texts}
    return checked(QuerySet(topics.stem, queries, grades, unjudged=len(texts) - len(queries)))


def read_topics(file: Path) -> dict[str, str]:
    """Query id -> text, from `id TAB text` lines or from `<top>` blocks, of which the title is taken.

    Raises:
        InvalidInput: The file can't be read, a topic lacks its number or title, or an id stands there twice.
    """
    found: dict[str, str] = {}
    for place, key, text in _blocks(file) if "<top>" in text_of(file) else _tab_lines(file):
        if key in found:
            raise InvalidInput(f"{place}: query {key!r} stands there twice")
        found[key] = text
    return found


def _blocks(file: Path) -> list[tuple[str, str, str]]:
    found = []
    for count, block in enumerate(_TOPIC.findall(text_of(file)), start=1):
        number, title = _NUMBER.search(block), _TITLE.search(block)
        if number is None or title is None:
            raise InvalidInput(f"{file} topic {count} lacks its <num> or its <title>")
        found.append((f"{file} topic {count}", number[1], " ".join(title[1].split())))
    return found


def _tab_lines(file: Path) -> list[tuple[str, str, str]]:
    found = []
    for place, line in lines_of(file):
        key, tab, text = line.partition("\t")
        if not tab or not key.strip():
            raise InvalidInput(f"{place}: a topic is its id, a tab and its text")
        found.append((place, key.strip(), text.strip()))
    return found


def read_qrels(file: Path) -> dict[str, dict[str, int]]:
    """Query id -> passage id -> grade, from lines `query 0 passage grade`.

    Raises:
        InvalidInput: The file can't be read, a line has other columns, or a pair is judged in two ways.
    """
    found: dict[str, dict[str, int]] = {}
    for place, line in lines_of(file):
        cells = line.split()
        if len(cells) != 4:
            raise InvalidInput(f"{place} has {len(cells)} columns; a judgment has 4: query, 0, passage, grade")
        judge(found, cells[0], cells[2], grade_of(cells[3], place), place)
    return found


def read_run(file: Path) -> dict[str, dict[str, float]]:
    """Query id -> passage id -> score, from lines `query Q0 passage rank score tag`.

    Raises:
        InvalidInput: The file can't be read, a line has other columns, a score is no finite number, or a rank or a
            passage stands twice in one query.
    """
    found: dict[str, dict[str, float]] = {}
    ranks: set[tuple[str, int]] = set()
    for place, line in lines_of(file):
        cells = line.split()
        if len(cells) != 6:
            raise InvalidInput(f"{place} has {len(cells)} columns; a run has 6: query, Q0, passage, rank, score, tag")
        query, key, score = cells[0], cells[2], _number(cells[4], place)
        rank = (query, _rank(cells[3], place))
        if rank in ranks:
            raise InvalidInput(f"{place}: rank {rank[1]} stands twice in query {query!r}")
        if key in found.setdefault(query, {}):
            raise InvalidInput(f"{place}: passage {key!r} stands twice in query {query!r}")
        ranks.add(rank)
        found[query][key] = score
    return found


def _number(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(f"{place}: score {text!r} is no finite number")
    return value


def _rank(text: str, place: str) -> int:
    if not text.isdecimal():
        raise InvalidInput(f"{place}: rank {text!r} is no whole number")
    return int(text)


def write_trec(made: QuerySet, topics: Path, qrels: Path) -> None:
    """Writes the set as topics and qrels; see `write_topics` and `write_qrels`.

    Raises:
        InvalidInput: The set is judged by snippets, or an id holds white space; nothing is written then. Or a file
            can't be written.
    """
    if made.snippets:
        raise InvalidInput(f"{made.name} is judged by text snippets, which TREC qrels can't hold: {BY_INDEX}")
    for key in [*made.queries, *(key for grades in made.qrels.values() for key in grades)]:
        _token(key)
    write_topics(made.queries, topics)
    write_qrels(made.qrels, qrels)


def write_topics(queries: Mapping[str, str], file: Path) -> None:
    """Writes `id TAB text` lines; line breaks and tabs in a text become spaces."""
    rows = [f"{_token(key)}\t{' '.join(text.split())}\n" for key, text in queries.items()]
    write_whole(file, "".join(rows))


def write_qrels(qrels: Qrels, file: Path) -> None:
    """Writes `query 0 passage grade` lines; raises InvalidInput for an id with white space."""
    rows = [f"{_token(q)} 0 {_token(key)} {grade}\n" for q, grades in qrels.items() for key, grade in grades.items()]
    write_whole(file, "".join(rows))


def write_run(rankings: Mapping[str, Sequence[str]], file: Path, *, tag: str = "shortlist") -> None:
    """Writes rankings as a run whose scores fall by one a rank, so that no tool reorders ties by id.

    Raises:
        InvalidInput: An id holds white space, which the format can't, or the file can't be written.
    """
    rows = [
        f"{_token(query)} Q0 {_token(key)} {rank} {len(ids) - rank + 1} {_token(tag)}\n"
        for query, ids in rankings.items()
        for rank, key in enumerate(ids, start=1)
    ]
    write_whole(file, "".join(rows))


def _token(text: str) -> str:
    if not text or text.split() != [text]:
        raise InvalidInput(f"TREC files can't hold the id {text!r}: white space separates their columns")
    return text
