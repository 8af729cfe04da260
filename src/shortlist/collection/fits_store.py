"""What was fitted, as JSON beside the index, with what it was fitted for: it is refused for anything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shortlist.atomic_io import write_whole
from shortlist.errors import IndexWriteFailed, NotFitted
from shortlist.search.probability import Calibration, Isotonic, Platt
from shortlist.search.stopping import StopRule

VERSION = 1
STOP_RULE, CALIBRATION = "stop-rule.json", "calibration.json"
HINT = "fit it with: shortlist calibrate QUERIES --index DIR"


def write_stop_rule(folder: Path, rule: StopRule, made_for: Mapping[str, Any], about: Mapping[str, Any]) -> Path:
    """Replaces the stored rule; returns the file.

    `about` is for readers of the file, but for its "passages": how many the index held, see `passages_of`.

    Raises:
        IndexWriteFailed: The disk is full or read-only.
    """
    held = {
        "pool_size": rule.pool_size,
        "k": rule.k,
        "block": rule.block,
        "threshold": rule.threshold,
        "promise": rule.promise,
    }
    return _write(folder / STOP_RULE, held, made_for, about)


def read_stop_rule(folder: Path, made_for: Mapping[str, Any]) -> StopRule | None:
    """The stored rule; None where there is none.

    Raises:
        NotFitted: It is damaged, or was fitted for other models, another retriever or another blend.
    """
    held = _read(folder / STOP_RULE, made_for)
    if held is None:
        return None
    try:
        threshold = held["threshold"]
        return StopRule(
            int(held["pool_size"]),
            int(held["k"]),
            None if threshold is None else float(threshold),
            int(held["block"]),
            str(held["promise"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder / STOP_RULE, error) from error


def write_calibration(
    folder: Path, calibration: Calibration, made_for: Mapping[str, Any], about: Mapping[str, Any]
) -> Path:
    """As `write_stop_rule`, for the curve from score to probability."""
    if isinstance(calibration, Platt):
        held = {"method": "platt", "slope": calibration.slope, "offset": calibration.offset}
    else:
        held = {"method": "isotonic", "scores": list(calibration.scores), "values": list(calibration.values)}
    return _write(folder / CALIBRATION, held, made_for, about)


def read_calibration(folder: Path, made_for: Mapping[str, Any]) -> Calibration:
    """The stored curve.

    Raises:
        NotFitted: There is none, it is damaged, or it was fitted for other models, another retriever or another blend.
    """
    held = _read(folder / CALIBRATION, made_for)
    if held is None:
        raise NotFitted(f"{folder} has no {CALIBRATION}, so scores have no probabilities: {HINT}")
    try:
        if held["method"] == "platt":
            return Platt(float(held["slope"]), float(held["offset"]))
        knots = tuple(map(float, held["scores"])), tuple(map(float, held["values"]))
        if held["method"] != "isotonic" or not knots[0] or len(knots[0]) != len(knots[1]):
            raise ValueError("no knots")
        return Isotonic(*knots)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder / CALIBRATION, error) from error


def passages_of(file: Path) -> int | None:
    """How many passages the index held when the stored part was fitted; None where the file does not tell."""
    try:
        held = json.loads(file.read_text(encoding="utf-8"))["fit"]["passages"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return held if isinstance(held, int) else None


def _write(file: Path, fitted: Mapping[str, Any], made_for: Mapping[str, Any], about: Mapping[str, Any]) -> Path:
    held = {"version": VERSION, "fitted_for": dict(made_for), "fit": dict(about), **fitted}
    write_whole(file, json.dumps(held, ensure_ascii=False, indent=1) + "\n", IndexWriteFailed)
    return file


def _read(file: Path, made_for: Mapping[str, Any]) -> Mapping[str, Any] | None:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        version, before = held["version"], dict(held["fitted_for"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(file, error) from error
    if version != VERSION:
        raise NotFitted(f"{file} has format {version}, this version reads {VERSION}: {HINT}")
    for key in {**before, **made_for}:
        if before.get(key) != made_for.get(key):
            raise NotFitted(
                f"{file} was fitted for {key} {_shown(before.get(key))} and this search has "
                f"{_shown(made_for.get(key))}: search with what it was fitted for, or {HINT}"
            )
    found: Mapping[str, Any] = held
    return found


def _damaged(file: Path, error: Exception) -> NotFitted:
    return NotFitted(f"{file} is damaged ({error}): {HINT}")


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return " + ".join(f"{weight:g} x {name}" for name, weight in value.items()) or "none"
    return str(value)
