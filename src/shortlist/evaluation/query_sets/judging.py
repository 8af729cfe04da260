"""The making of a query set: the passages to judge for a query, and judgments that are saved one by one."""

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


def to_judge(ranking: Ranking, top_k: int, seed: int) -> list[Hit]:
    """Return the first `top_k` hits of both stages, each once, in an order that is drawn from the seed and the query.

    The order does not show which stage found a hit, or at which rank. `ranking` must hold the whole pool.
    """
    by_stage_one = sorted(ranking.hits, key=lambda hit: hit.retrieval_rank)
    first = {hit.passage.id: hit for hit in [*by_stage_one[:top_k], *ranking.hits[:top_k]]}
    hits = [first[key] for key in sorted(first)]
    random.Random(f"{seed} {ranking.query}").shuffle(hits)
    return hits


class Judgments:
    """The queries and judgments in a .jsonl or .csv file. After each judgment, the whole file is replaced.

    Queries that the user rejected, and passages that the user skipped, are stored in files next to this file, so that
    they are not shown again.

    Raises:
        InvalidInput: The file has another extension, cannot be read or written, or is not a query set.
    """

    def __init__(self, file: Path) -> None:
        if file.suffix.lower() not in SUFFIXES:
            raise InvalidInput(f"{file}: name a .jsonl or .csv file for the query set")
        check_place(file)
        self.file = file
        self.declined_file = file.with_name(f"{file.name}.declined.txt")
        before = read_partial(file) if file.exists() else QuerySet(file.stem, {}, {})
        self.queries = dict(before.queries)
        self.qrels = {key: dict(grades) for key, grades in before.qrels.items()}
        self._snippets, self._rerank_queries = before.snippets, before.rerank_queries
        declined = text_of(self.declined_file).split("\n") if self.declined_file.exists() else []
        self._declined = {line.strip() for line in declined if line.strip()}
        self.skipped_file = file.with_name(f"{file.name}.skipped.jsonl")
        self._skipped = _pairs(self.skipped_file) if self.skipped_file.exists() else set()

    @property
    def count(self) -> int:
        """The number of judged pairs."""
        return sum(map(len, self.qrels.values()))

    @property
    def answered(self) -> int:
        """The number of queries with a relevant passage."""
        judged = [*self.qrels.items(), *self._snippets.items()]
        return len({key for key, grades in judged if any(grade > 0 for grade in grades.values())})

    @property
    def last(self) -> str:
        """The text of the query that was started last, or an empty string."""
        return next(reversed(self.queries.values()), "")

    def started(self, query: str) -> bool:
        """Return whether the query was started."""
        return query in self.queries.values()

    def declined(self, query: str) -> bool:
        """Return whether the user rejected the query."""
        return query in self._declined

    def judged(self, query: str, passage_id: str) -> bool:
        """Return whether this pair was judged."""
        return passage_id in self.qrels.get(self._key(query), {})

    def shown(self, query: str, passage_id: str) -> bool:
        """Return whether this pair was judged or skipped."""
        return self.judged(query, passage_id) or (query, passage_id) in self._skipped

    def judge(self, query: str, passage_id: str, relevant: bool) -> None:
        """Save a judgment.

        Raises:
            InvalidInput: The file cannot be written.
        """
        key = self._key(query)
        self.queries.setdefault(key, query)
        self.qrels.setdefault(key, {})[passage_id] = int(relevant)
        self._save()

    def skip(self, query: str, passage_id: str) -> None:
        """Save that the user skipped this pair, and that the query was started. Raises as `judge`."""
        self.queries.setdefault(self._key(query), query)
        self._save()
        self._skipped.add((query, passage_id))
        rows = sorted(self._skipped)
        write_whole(self.skipped_file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))

    def decline(self, query: str) -> None:
        """Save that the user rejected the query. Raises as `judge`."""
        self._declined.add(query)
        write_whole(self.declined_file, "".join(f"{text}\n" for text in sorted(self._declined)))

    def _key(self, query: str) -> str:
        return next((key for key, text in self.queries.items() if text == query), id_of(query))

    def _save(self) -> None:
        write = write_csv if self.file.suffix.lower() == ".csv" else write_jsonl
        query_set = QuerySet(
            self.file.stem, self.queries, self.qrels, self._snippets, rerank_queries=self._rerank_queries
        )
        write(query_set, self.file)


def _pairs(file: Path) -> set[tuple[str, str]]:
    """The query and the passage id on each line.

    Raises:
        InvalidInput: The file cannot be read, or a line is not a query and a passage id.
    """
    pairs = set()
    for place, line in lines_of(file):
        try:
            query, passage_id = json.loads(line)
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"{place} is not a query and a passage id: delete the line, or the file") from error
        pairs.add((str(query), str(passage_id)))
    return pairs
