"""TREC runs of `evaluate`: runs of other systems, and the runs that it writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shortlist.cli.console import remark
from shortlist.cli.setups import Judging, SetUp, judged_in
from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.query_sets import files as query_files
from shortlist.evaluation.query_sets.external_run import evaluate_run
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.report import ReportSource, source_of
from shortlist.types import Run
from shortlist.wording.counting import counted


@dataclass(frozen=True, slots=True)
class ExternalRun:
    """A run of another system, and the name that tables show."""

    name: str
    file: Path
    run: Run


@dataclass(frozen=True, slots=True)
class Measuring(Judging):
    """What to measure: the same for every set-up and every run. `report` is True if a report needs passages."""

    measures: tuple[str, ...]
    cutoff: int
    report: bool


def read(options: Sequence[str], names: Sequence[str]) -> list[ExternalRun]:
    """Return the runs that `NAME:FILE` options name. `names` are those of the set-ups.

    Raises:
        InvalidInput: A missing name or file, a name that is taken, or a file that cannot be used.
    """
    runs: list[ExternalRun] = []
    for option in options:
        name, colon, file = (part.strip() for part in option.partition(":"))
        if not (name and colon and file):
            raise InvalidInput(f"--run is {option!r}: write NAME:FILE, such as other:run.txt")
        if name in [*names, *(run.name for run in runs)]:
            raise InvalidInput(
                f"--run is {option!r}: another set-up or run is named {name!r}: give it a name of its own"
            )
        runs.append(ExternalRun(name, Path(file), query_files.read_run(Path(file))))
    return runs


def measured(runs: Sequence[ExternalRun], set_up: SetUp, measuring: Measuring) -> list[tuple[Evaluation, ReportSource]]:
    """Return the evaluation of each run against the passages that a set-up searches. No runs open nothing.

    Raises:
        InvalidInput: A run answers none of the judged queries, or has no id of these passages.
    """
    if not runs:
        return []
    judged, passages = judged_in(set_up, measuring)
    documents = {passage.id: passage.document_id or passage.id for passage in passages}
    known = None if judged.depth is not None else {*documents, *documents.values()}
    results = []
    for run in runs:
        evaluation = evaluate_run(
            run.run,
            judged,
            measures=measuring.measures,
            cutoff=measuring.cutoff,
            name=run.name,
            documents=documents,
            ignore_identical_ids=measuring.ignore_identical_ids,
            about={"run": str(run.file), "index": set_up.subject},
        )
        _report(run, judged, known)
        results.append((evaluation, source_of(evaluation, judged, passages if measuring.report else ())))
    return results


def _report(run: ExternalRun, judged: Judged, known: set[str] | None) -> None:
    """Print what of the run does not count. `known` has the ids of all passages and documents, None if unknown."""
    ids = {key for query_id in judged.queries for key in run.run.get(query_id, ())}
    unknown = set() if known is None else ids - known
    if ids and unknown == ids:
        raise InvalidInput(
            f"run {run.name!r}: none of its {len(ids)} ids, such as {min(ids)!r}, is in the corpus of the judgments: a "
            "run must name the same passages or documents"
        )
    queries = len(judged.queries)
    missing = sum(not run.run.get(query_id) for query_id in judged.queries)
    parts = [f"{queries - missing} of {queries} judged queries answered"]
    if missing:
        parts.append(f"{missing} count 0")
    if extra := len(run.run.keys() - judged.queries.keys()):
        parts.append(f"{counted(extra, 'query')} without judgments ignored")
    if unknown:
        parts.append(f"{len(unknown)} of {len(ids)} ids are not in the corpus")
    remark(f"{run.name}: {run.file}: {'; '.join(parts)}")


def files(file: Path, names: Sequence[str]) -> list[Path]:
    """Return the file of each set-up: `file` for a single one, else with the set-up's name before the extension.

    Raises:
        InvalidInput: Two set-ups would share a file.
    """
    if len(names) == 1:
        return [file]
    paths = [file.with_name(f"{file.stem}.{_plain(name)}{file.suffix}") for name in names]
    if repeated := [path for path in paths if paths.count(path) > 1]:
        raise InvalidInput(f"two set-ups would be written to {repeated[0]}: give them other names")
    return paths


def write(evaluations: Sequence[Evaluation], file: Path) -> None:
    """Write the final rankings of each evaluation, as deep as they were measured, one file for each set-up.

    Raises:
        InvalidInput: As `files` and `query_files.write_run`.
    """
    paths = files(file, [evaluation.name for evaluation in evaluations])
    for evaluation, path in zip(evaluations, paths, strict=True):
        rankings = {outcome.query_id: outcome.ranked for outcome in evaluation.outcomes}
        query_files.write_run(rankings, path, tag=_plain(evaluation.name))


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)
