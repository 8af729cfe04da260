"""`shortlist.toml`: defaults for searches from the folder it lies in.

    [search]
    rerank = true
    pool = 30
    top = 5
    blend = 1.0
    weight.dense = 8.0
    min-probability = 0.2
    fusion = 0.5
    threshold = 2.5
    cross-encoder = "cohere:rerank-v3.5"

`pool = "auto"` follows the rule that `shortlist calibrate` stored beside the index, `min-probability` the curve.
`weight` says how much of a stage-one signal goes into the final score, in place of the weights that were fitted for the
pair of models; `blend` scales either. `fusion` is the share of the vectors in the fused order of stage one, 0 to 1.
Results whose final score is below `threshold` are left out. `blend`, `weight` and `threshold` are in the unit of the
file's `cross-encoder`, the packaged one where it names none: with another one they are not used, nor is
`min-probability`. A `min-probability` of 0 is none.

What is said on the command line wins over the file, and the file over the built-in defaults. An unknown table or key
is an error: a typing slip must not silently leave a default in force.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from shortlist.atomic_io import write_whole
from shortlist.errors import InvalidInput
from shortlist.types import PoolSize

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "shortlist.toml"
Value: TypeAlias = bool | int | float | str | None
SIGNALS = ("dense", "bm25", "bm25_share")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the file says of searches; None where it says nothing. `pool` and `top` count passages.

    `weight` maps a stage-one signal's name to its weight.
    """

    rerank: bool | None = None
    pool: PoolSize | None = None
    top: int | None = None
    blend: float | None = None
    weight: Mapping[str, float] | None = None
    min_probability: float | None = None
    fusion: float | None = None
    threshold: float | None = None
    cross_encoder: str | None = None


KEYS = tuple(name.replace("_", "-") for name in Defaults.__slots__)


def read(folder: Path | None = None) -> Defaults:
    """What `shortlist.toml` in `folder` says, or in the current folder; nothing where there is no such file.

    Raises:
        InvalidInput: It can't be read, is no TOML, or holds an unknown key or a bad value.
    """
    file = (folder or Path.cwd()) / FILE
    return _parsed(_text(file), file)


def write(values: Mapping[str, Value], folder: Path | None = None) -> Path:
    """Puts the values under [search] in the file, keeping what else stands there; returns the file.

    A key whose value is None is taken out of it.

    Raises:
        InvalidInput: A value is bad, the file can't be read or written, or is laid out in a way this can't change.
    """
    file = (folder or Path.cwd()) / FILE
    before = _text(file)
    _parsed(before, file)
    after = _changed(before, values)
    try:
        _parsed(after, file)
        _check_changed(after, values, file)
    except InvalidInput as error:
        raise InvalidInput(f"{file} can't be changed here ({error}): put in by hand\n{lines(values)}") from error
    write_whole(file, after)
    return file


def lines(values: Mapping[str, Value]) -> str:
    """The values as they stand in the file; those that are None do not."""
    said = [f"{key} = {_literal(value)}" for key, value in values.items() if value is not None]
    return "\n".join(["[search]", *said])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InvalidInput(f"{file} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8: {error.reason} at byte {error.start}") from error


def _parsed(text: str, file: Path) -> Defaults:
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{file} is no TOML: {error}") from error
    table = held.pop("search", {})
    if held or not isinstance(table, dict):
        raise InvalidInput(f"{file}: {next(iter(held), 'search')!r} is no table of it; put its keys under [search]")
    unknown = [key for key in table if key not in KEYS]
    if unknown:
        raise InvalidInput(f"{file}: {unknown[0]!r} is unknown under [search]; its keys are {', '.join(KEYS)}")
    return Defaults(
        rerank=_flag(table.get("rerank"), file),
        pool="auto" if table.get("pool") == "auto" else _count(table.get("pool"), "pool", file),
        top=_count(table.get("top"), "top", file),
        blend=_scale(table.get("blend"), "blend", file),
        weight=_weights(table.get("weight"), file),
        min_probability=_share(table.get("min-probability"), "min-probability", file),
        fusion=_share(table.get("fusion"), "fusion", file),
        threshold=_number(table.get("threshold"), "threshold", file),
        cross_encoder=_name(table.get("cross-encoder"), file),
    )


def _check_changed(text: str, values: Mapping[str, Value], file: Path) -> None:
    """Does nothing where the text says what was asked; a table such as [search.weight] is not changed line by line."""
    table = tomllib.loads(text).get("search", {})
    for key, value in values.items():
        name, _, part = key.partition(".")
        held = table.get(name, {}).get(part) if part else table.get(name)
        if held != value:
            raise InvalidInput(f"{file}: {key} stands there as {held!r} in another form")


def _flag(value: Any, file: Path) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"{file}: rerank must be true or false, not {value!r}")
    return value


def _count(value: Any, name: str, file: Path) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        also = ' (or "auto")' if name == "pool" else ""
        raise InvalidInput(f"{file}: {name} must be a whole number from 1, not {value!r}{also}")
    return value


def _scale(value: Any, name: str, file: Path) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise InvalidInput(f"{file}: {name} must be a number, 0 or more, not {value!r}")
    return float(value)


def _share(value: Any, name: str, file: Path) -> float | None:
    share = _number(value, name, file)
    if share is not None and not 0 <= share <= 1:
        raise InvalidInput(f"{file}: {name} must be a number from 0 to 1, not {value!r}")
    return share


def _number(value: Any, name: str, file: Path) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput(f"{file}: {name} must be a number, not {value!r}")
    return float(value)


def _name(value: Any, file: Path) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise InvalidInput(f"{file}: cross-encoder must be a model's name in quotes, not {value!r}")
    return value


def _weights(value: Any, file: Path) -> dict[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidInput(f"{file}: write the weight of each signal by name, as in weight.dense = 8.0")
    unknown = [name for name in value if name not in SIGNALS]
    if unknown:
        raise InvalidInput(f"{file}: {unknown[0]!r} is no signal of stage one; they are {', '.join(SIGNALS)}")
    return {name: _scale(one, f"weight.{name}", file) or 0.0 for name, one in value.items()}


def _literal(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _changed(text: str, values: Mapping[str, Value]) -> str:
    """The text with each value's line replaced, or added at the end of [search], or taken out."""
    rows = text.splitlines()
    start = next((place for place, row in enumerate(rows) if re.match(r"\s*\[\s*search\s*\]", row)), None)
    if start is None:
        return "\n".join([*rows, *([""] if rows else []), lines(values), ""])
    end = next((place for place in range(start + 1, len(rows)) if rows[place].lstrip().startswith("[")), len(rows))
    section = rows[start:end]
    for key, value in values.items():
        _put(section, key, value)
    return "\n".join([*rows[:start], *section, *rows[end:], ""])


def _put(section: list[str], key: str, value: Value) -> None:
    said = f"{key} = {_literal(value)}"
    held = next((place for place, row in enumerate(section) if re.match(rf"\s*{re.escape(key)}\s*=", row)), None)
    if value is None:
        section[:] = [row for place, row in enumerate(section) if place != held]
    elif held is None:
        last = max(place for place, row in enumerate(section) if row.strip() and not row.lstrip().startswith("#"))
        section.insert(last + 1, said)
    else:
        comment = re.search(r"\s+#.*$", section[held])
        section[held] = said + (comment[0] if comment else "")
