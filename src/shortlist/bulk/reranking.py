"""Rerank a whole run: the pools of many queries, from any retriever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from shortlist import registry
from shortlist.atomic_io import check_place, written_whole
from shortlist.bulk import runs
from shortlist.bulk.corpus import passages_of
from shortlist.bulk.parts import Part, Parts
from shortlist.bulk.queries import queries_in
from shortlist.bulk.report import BulkReport, FailedRow
from shortlist.bulk.texts import digest_of
from shortlist.bulk.work import Job, finish, unit_rows
from shortlist.config import SearchConfig, checked_config
from shortlist.config.search_config import RERANKER
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import Encodings
from shortlist.workers import Unit, choose_workers
from shortlist.workers.scoring import PairScorer, Scored


@dataclass(frozen=True, slots=True)
class Pool:
    """The pool of a query: the ids and the input scores of its passages, best first. `ranks` are those of the input."""

    query_id: str
    ids: Sequence[str]
    scores: Sequence[float]
    ranks: Sequence[int]


@dataclass
class Task:
    """What to rerank: the pools with their texts, the queries, and the rows that failed already."""

    queries: Mapping[str, str]
    texts: Mapping[str, str]
    pools: list[Pool] = field(default_factory=list)
    failures: list[FailedRow] = field(default_factory=list)

    @cached_property
    def units(self) -> list[range]:
        """The places of the pools of each unit. A unit has whole pools, and ends with the pool that fills it."""
        size, start, rows = unit_rows(sum(len(pool.ids) for pool in self.pools)), 0, 0
        units = []
        for place, pool in enumerate(self.pools, start=1):
            rows += len(pool.ids)
            if rows >= size or place == len(self.pools):
                units.append(range(start, place))
                start, rows = place, 0
        return units

    def of(self, number: int) -> list[Pool]:
        """Return the pools of the unit with this number."""
        return [self.pools[place] for place in self.units[number]]

    def content(self, number: int) -> list[tuple[str, list[str]]]:
        """Return each query of the unit with its texts."""
        return [(self.queries[pool.query_id], [self.texts[key] for key in pool.ids]) for pool in self.of(number)]

    def digest(self) -> str:
        """Return a hash of everything that the results depend on besides the model."""

        def parts() -> Iterator[str]:
            for pool in self.pools:
                yield from (pool.query_id, self.queries[pool.query_id])
                for key in pool.ids:
                    yield from (key, self.texts[key])

        return digest_of(parts())


def rerank(  # noqa: PLR0913 - the first four are needed
    run: str | Path,
    corpus: str | Path,
    queries: str | Path,
    out: str | Path,
    *,
    config: SearchConfig | None = None,
    workers: int | None = None,
    ray: str | None = None,
    encoding: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> BulkReport:
    """Score every pair of a run, write the reranked run, and return what was done.

    The order is that of the reranker's score alone. Equal scores keep the order of the input. The process may be
    stopped at any moment: the same call then continues. The number of workers does not change the output. A pair that
    fails is not in the output, and does not stop the others.

    Args:
        run: A TREC run, or a Parquet file with the columns query_id, passage_id and score.
        corpus: The texts of the passages: a .jsonl, .csv or .parquet file, a BEIR folder, an index folder, or a store.
        queries: The texts of the queries: see `queries.queries_in`.
        out: The file to write: Parquet if it ends in .parquet, otherwise a TREC run. An existing file is replaced.
        config: The reranker, with its precision, device and threads.
        workers: The number of workers. None: one process, or every CPU of the Ray cluster.
        ray: The address of a Ray cluster, such as "auto" or "ray://host:10001". None: processes of this machine.
        encoding: The encoding of files that are not UTF-8. Without it, the encoding is a guess, which the report has.
        progress: Receives the number of finished rows and the number of all rows.

    Raises:
        InvalidInput: A file cannot be used, no passage of the run is in the corpus, or the partial results next to
            `out` belong to another run.
        ModelError: The reranker cannot be loaded, or a hosted one does not answer. Finished rows are kept.
        WorkersFailed: No worker can start, or the Ray cluster does not answer. Finished rows are kept.
    """
    began, config, file = time.perf_counter(), checked_config(config), Path(out)
    name = config.reranker or RERANKER
    precision, device = config.precision, config.device
    crew = choose_workers(workers, ray, threads=config.threads, device=device)
    registry.check_reranker(name)
    check_place(file)
    encodings = Encodings.named(encoding)
    task = _task(Path(run), corpus, Path(queries), config, encodings)
    runs.check_output(file, (key for pool in task.pools for key in (pool.query_id, *pool.ids)))
    about = {"reranker": name, "precision": precision, "device": device, "input": task.digest()}
    report = BulkReport(failures=list(task.failures), guessed=encodings.guessed)
    with Parts(file, about) as parts:
        rows = [sum(len(task.pools[place].ids) for place in unit) for unit in task.units]
        report.resumed = sum(rows[number] for number in parts.done)
        units = (Unit(number, task.content(number)) for number in range(len(rows)) if number not in parts.done)
        make = partial(PairScorer, name, precision=precision, device=device, threads=crew.threads)
        lost = Job(crew, make, _part, progress).run(units, rows, parts)
        with written_whole(file) as stream:
            report.rows = runs.write(_ranked(task, parts, lost, report), stream, file.suffix, name)
        finish(parts, report)
    report.seconds = time.perf_counter() - began
    return report


def _task(run: Path, corpus: str | Path, queries: Path, config: SearchConfig, encodings: Encodings) -> Task:
    """Read the files. Pairs without a query or without a text are failures."""
    given, texts_of_queries = runs.read(run), queries_in(queries, encodings)
    known = {query: scores for query, scores in given.items() if query in texts_of_queries}
    if not known:
        example, other = next(iter(given)), next(iter(texts_of_queries), None)
        raise InvalidInput(
            f"{queries} has none of the {len(given)} queries of {run}: the run has the id {example!r}, and the file "
            f"{'has no queries' if other is None else f'has {other!r}'}"
        )
    texts = passages_of(corpus, dict.fromkeys(key for scores in known.values() for key in scores), config, encodings)
    if not texts:
        example = next(iter(next(iter(known.values()))))
        raise InvalidInput(f"{corpus} has none of the passages of {run}, such as {example!r}")
    task = Task(texts_of_queries, texts)
    for query, scores in given.items():
        if query not in known:
            reason = f"the query is not in {queries}"
            task.failures.append(FailedRow(f"query {query}", reason, len(scores)))
            continue
        rows = [(key, score, rank) for rank, (key, score) in enumerate(scores.items(), start=1)]
        missing = [key for key, *_ in rows if key not in texts]
        task.failures += [FailedRow(f"query {query}, passage {key}", f"not in {corpus}") for key in missing]
        present = [row for row in rows if row[0] in texts]
        if present:
            keys, values, ranks = zip(*present, strict=True)
            task.pools.append(Pool(query, keys, values, ranks))
    return task


def _part(scored: Scored) -> Part:
    facts = {
        "failures": scored.failures,
        "skipped": scored.skipped,
        "made_by": scored.made_by,
        "seconds": scored.seconds,
    }
    return Part({"scores": scored.scores, "cut": scored.cut}, facts)


def _ranked(task: Task, parts: Parts, lost: Mapping[int, str], report: BulkReport) -> Iterator[runs.Ranked]:
    """Yield the rows of the output, and add the failures and the numbers of the units to the report."""
    for number in range(len(task.units)):
        if number in lost:
            report.failures += [
                FailedRow(f"query {pool.query_id}", lost[number], len(pool.ids), again=True) for pool in task.of(number)
            ]
            continue
        part = parts.get(number)
        report.count(part.facts)
        report.cut += int(part.arrays["cut"].sum())
        scores, cut = part.arrays["scores"].tolist(), part.arrays["cut"].tolist()
        reasons = dict(part.facts["failures"])
        start = 0
        for pool in task.of(number):
            end = start + len(pool.ids)
            failed = {place - start: reason for place, reason in reasons.items() if start <= place < end}
            report.failures += [
                FailedRow(f"query {pool.query_id}, passage {pool.ids[place]}", reason, again=True)
                for place, reason in failed.items()
            ]
            yield from _of_pool(pool, scores[start:end], cut[start:end], failed)
            start = end


def _of_pool(
    pool: Pool, scores: Sequence[float], cut: Sequence[bool], failed: Mapping[int, str]
) -> Iterator[runs.Ranked]:
    places = sorted((place for place in range(len(scores)) if place not in failed), key=lambda place: -scores[place])
    for rank, place in enumerate(places, start=1):
        yield runs.Ranked(
            pool.query_id,
            pool.ids[place],
            rank,
            scores[place],
            cut[place],
            pool.ranks[place],
            pool.scores[place],
        )
