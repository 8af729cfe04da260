"""TREC runs of `evaluate`: those from elsewhere, and those that it writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.query_sets import files as datasets
from shortlist.evaluation.query_sets.external_run import evaluate_run
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.report import Source, source_of
from shortlist.types import Run


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A run from elsewhere under the name that it is shown by."""

    name: str
    file: Path
    run: Run


@dataclass(frozen=True, slots=True)
class Against:
    """What runs are measured against: a query set in the passages of one index, and what to measure."""

    index: Path
    queries: QuerySet
    measures: tuple[str, ...]
    cut: int
    allow_unknown: bool
    itself: bool


def read(given: Sequence[str], names: Sequence[str]) -> list[Elsewhere]:
    """The runs that `NAME:FILE` options name; `names` are taken by set-ups.

    Raises:
        InvalidInput: No name or file, a name that is taken, or a file that can't be used.
    """
    found: list[Elsewhere] = []
    for one in given:
        name, colon, file = (part.strip() for part in one.partition(":"))
        if not (name and colon and file):
            raise InvalidInput(f"--run {one!r}: write NAME:FILE, such as other:run.txt")
        if name in [*names, *(other.name for other in found)]:
            raise InvalidInput(f"--run {one!r}: another set-up or run is named {name!r}: give it a name of its own")
        found.append(Elsewhere(name, Path(file), datasets.read_run(Path(file))))
    return found


def measured(runs: Sequence[Elsewhere], against: Against, *, reported: bool) -> list[tuple[Evaluation, Source]]:
    """The runs measured, and what a report shows their worst queries with; no runs open no index.

    Raises:
        InvalidInput: A run answers none of the judged queries, or names nothing that the index holds.
    """
    if not runs:
        return []
    with EmbeddedIndex.open(against.index) as index:
        passages = list(index.passages())
    judged = resolve(against.queries, passages, allow_unknown=against.allow_unknown)
    documents = {one.id: one.document_id or one.id for one in passages}
    known = {*documents, *documents.values()}
    found = []
    for one in runs:
        made = evaluate_run(
            one.run,
            judged,
            measures=against.measures,
            k=against.cut,
            name=one.name,
            documents=documents,
            itself=against.itself,
            about={"run": str(one.file), "index": str(against.index)},
        )
        _tell(one, judged, known)
        found.append((made, source_of(made, judged, passages if reported else ())))
    return found


def _tell(one: Elsewhere, judged: Judged, known: set[str]) -> None:
    """Says what of the run can't count."""
    ids = {key for query_id in judged.queries for key in one.run.get(query_id, ())}
    unknown = ids - known
    if unknown == ids:
        raise InvalidInput(
            f"run {one.name!r}: none of its {len(ids)} ids, such as {min(ids)!r}, is in the index that judgments are "
            "read against: a run has to name the same passages or documents"
        )
    missing = sum(not one.run.get(query_id) for query_id in judged.queries)
    said = [f"{len(judged.queries) - missing} of {len(judged.queries)} judged queries answered"]
    if missing:
        said.append(f"{missing} count 0")
    if over := len(one.run.keys() - judged.queries.keys()):
        said.append(f"{over} queries without judgments passed over")
    if unknown:
        said.append(f"{len(unknown)} of {len(ids)} ids are not in the index")
    console = Console(stderr=True, highlight=False)
    console.print(f"{one.name}: {one.file}: {'; '.join(said)}", markup=False, soft_wrap=True)


def files(file: Path, names: Sequence[str]) -> list[Path]:
    """The file for each set-up: `file` itself for one alone, else with the set-up's name before the extension.

    Raises:
        InvalidInput: Two set-ups would share a file.
    """
    if len(names) == 1:
        return [file]
    made = [file.with_name(f"{file.stem}.{_plain(name)}{file.suffix}") for name in names]
    if twice := [one for one in made if made.count(one) > 1]:
        raise InvalidInput(f"two set-ups would be written to {twice[0]}: give them other names")
    return made


def write(found: Sequence[Evaluation], file: Path) -> None:
    """Writes each evaluation's final rankings, as deep as they were measured, one file a set-up.

    Raises:
        InvalidInput: As `files` and `datasets.write_run`.
    """
    for one, target in zip(found, files(file, [one.name for one in found]), strict=True):
        rankings = {outcome.query_id: outcome.ranked for outcome in one.outcomes}
        datasets.write_run(rankings, target, tag=_plain(one.name))


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)
