"""Evaluations as JSON files, to compare with later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shortlist.atomic_io import write_whole
from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.metrics.outcomes import from_json
from shortlist.evaluation.query_sets.files.rows import text_of

VERSION = 1


def save(evaluations: Sequence[Evaluation], file: Path) -> None:
    """Writes them with every per-query value, so that later runs can be compared query by query, and their warnings.

    Raises:
        InvalidInput: The file can't be written.
    """
    warnings = [f"{one.name}: {one.warning}" for one in evaluations if one.warning]
    held = {"version": VERSION, "warnings": warnings, "evaluations": [asdict(one) for one in evaluations]}
    write_whole(file, json.dumps(held, ensure_ascii=False, indent=1) + "\n")


def load(file: Path) -> list[Evaluation]:
    """The evaluations in a file that `save` wrote.

    Raises:
        InvalidInput: It can't be read, is something else, or holds none.
    """
    try:
        held = json.loads(text_of(file))
        if held["version"] != VERSION:
            raise InvalidInput(f"{file} was saved in format {held['version']}, this version reads {VERSION}")
        if found := [_evaluation(one) for one in held["evaluations"]]:
            return found
        raise InvalidInput(f"{file} holds a list of evaluations with nothing in it: save one anew")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{file} holds no saved evaluation: save one with `shortlist evaluate --save`") from error


def _evaluation(held: dict[str, Any]) -> Evaluation:
    outcomes = tuple(from_json(one) for one in held.pop("outcomes"))
    return Evaluation(outcomes=outcomes, measures=tuple(held.pop("measures")), **held)
