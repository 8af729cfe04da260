"""Evaluations as JSON files, for later comparisons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from shortlist.atomic_io import write_whole
from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.metrics.outcomes import from_json, to_json
from shortlist.evaluation.query_sets.files.rows import text_of

VERSION = 2


def save(evaluations: Sequence[Evaluation], file: Path) -> None:
    """Write the evaluations with their warnings and every value of each query.

    Raises:
        InvalidInput: The file cannot be written.
    """
    warnings = [{"name": each.name, **note.to_dict()} for each in evaluations for note in each.warnings]
    content = {"version": VERSION, "warnings": warnings, "evaluations": [_record(each) for each in evaluations]}
    write_whole(file, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def load(file: Path) -> list[Evaluation]:
    """Return the evaluations in a file that `save` wrote.

    Raises:
        InvalidInput: The file cannot be read, is not a saved evaluation, or has no evaluation.
    """
    try:
        content = json.loads(text_of(file))
        if content["version"] != VERSION:
            raise InvalidInput(
                f"{file} has format {content['version']}, and this version reads {VERSION}: evaluate and save again"
            )
        if evaluations := [_evaluation(record) for record in content["evaluations"]]:
            return evaluations
        raise InvalidInput(f"{file} has an empty list of evaluations: evaluate and save again")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{file} is not a saved evaluation: write one with `shortlist evaluate --save`") from error


def _record(evaluation: Evaluation) -> dict[str, Any]:
    outcomes = [to_json(outcome) for outcome in evaluation.outcomes]
    return {**asdict(replace(evaluation, outcomes=())), "outcomes": outcomes}


def _evaluation(record: dict[str, Any]) -> Evaluation:
    outcomes = tuple(from_json(outcome) for outcome in record.pop("outcomes"))
    return Evaluation(outcomes=outcomes, measures=tuple(record.pop("measures")), **record)
