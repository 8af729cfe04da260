"""A query set in the making: what to show for a query, and judgments saved as they are given."""

from __future__ import annotations

import json
import random
from pathlib import Path

from shortlist.atomic_io import check_place, write_whole
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import lines_of, text_of
from shortlist.evaluation.query_sets.files.tables import id_of, read_partial, write_csv, write_jsonl
from shortlist.evaluation.query_sets.query_set import QuerySet
from shortlist.types import Hit, Ranking

SUFFIXES = (".jsonl", ".csv")


def to_judge(ranking: Ranking, top: int, seed: int) -> list[Hit]:
    """The first `top` hits of both stages, each once, in an order drawn from the seed and the query.

    The order says nothing of which stage found a hit, or how it ranked it. `ranking` has to hold the whole pool.
    """
    by_stage_one = sorted(ranking.hits, key=lambda hit: hit.retrieval_rank)
    found = {hit.passage.id: hit for hit in [*by_stage_one[:top], *ranking.hits[:top]]}
    hits = [found[key] for key in sorted(found)]
    random.Random(f"{seed} {ranking.query}").shuffle(hits)
    return hits


class Judgments:
    """The queries and judgments in a .jsonl or .csv file, which is written anew, whole or not at all, after each one.

    Queries that were turned down, and passages that were left unjudged, stand in files beside it, so that neither is
    shown again.

    Raises:
        InvalidInput: Another kind of file, one that can't be read or written, or one that is no query set.
    """

    def __init__(self, file: Path) -> None:
        if file.suffix.lower() not in SUFFIXES:
            raise InvalidInput(f"{file}: a query set is written as .jsonl or .csv")
        check_place(file)
        self.file = file
        self.declined_file = file.with_name(f"{file.name}.declined.txt")
        held = read_partial(file) if file.exists() else QuerySet(file.stem, {}, {})
        self.queries = dict(held.queries)
        self.qrels = {key: dict(grades) for key, grades in held.qrels.items()}
        self._snippets = held.snippets
        declined = text_of(self.declined_file).split("\n") if self.declined_file.exists() else []
        self._declined = {line.strip() for line in declined if line.strip()}
        self.skipped_file = file.with_name(f"{file.name}.skipped.jsonl")
        self._skipped = _pairs(self.skipped_file) if self.skipped_file.exists() else set()

    @property
    def count(self) -> int:
        """How many pairs are judged."""
        return sum(map(len, self.qrels.values()))

    @property
    def answered(self) -> int:
        """How many queries have a relevant passage."""
        judged = [*self.qrels.items(), *self._snippets.items()]
        return len({key for key, grades in judged if any(grade > 0 for grade in grades.values())})

    @property
    def last(self) -> str:
        """The text of the query that was begun last; "" where there is none."""
        return next(reversed(self.queries.values()), "")

    def holds(self, query: str) -> bool:
        """Whether the query was begun."""
        return query in self.queries.values()

    def declined(self, query: str) -> bool:
        """Whether the query was turned down."""
        return query in self._declined

    def judged(self, query: str, passage_id: str) -> bool:
        """Whether this pair was judged."""
        return passage_id in self.qrels.get(self._key(query), {})

    def asked(self, query: str, passage_id: str) -> bool:
        """Whether this pair was judged, or left unjudged."""
        return self.judged(query, passage_id) or (query, passage_id) in self._skipped

    def judge(self, query: str, passage_id: str, relevant: bool) -> None:
        """Keeps a judgment.

        Raises:
            InvalidInput: The file can't be written.
        """
        key = self._key(query)
        self.queries.setdefault(key, query)
        self.qrels.setdefault(key, {})[passage_id] = int(relevant)
        self._save()

    def skip(self, query: str, passage_id: str) -> None:
        """Keeps that the pair was left unjudged, and that the query was begun; raises as `judge`."""
        self.queries.setdefault(self._key(query), query)
        self._save()
        self._skipped.add((query, passage_id))
        rows = sorted(self._skipped)
        write_whole(self.skipped_file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))

    def decline(self, query: str) -> None:
        """Keeps that the query was turned down; raises as `judge`."""
        self._declined.add(query)
        write_whole(self.declined_file, "".join(f"{one}\n" for one in sorted(self._declined)))

    def _key(self, query: str) -> str:
        return next((key for key, text in self.queries.items() if text == query), id_of(query))

    def _save(self) -> None:
        write = write_csv if self.file.suffix.lower() == ".csv" else write_jsonl
        write(QuerySet(self.file.stem, self.queries, self.qrels, self._snippets), self.file)


def _pairs(file: Path) -> set[tuple[str, str]]:
    """Query and passage id of each line.

    Raises:
        InvalidInput: The file can't be read, or a line holds something else.
    """
    found = set()
    for place, line in lines_of(file):
        try:
            query, passage_id = json.loads(line)
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"{place} holds no query and passage id: delete the line, or the file") from error
        found.add((str(query), str(passage_id)))
    return found
