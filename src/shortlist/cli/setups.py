"""Set-ups: named ways to search, each measured on an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shortlist
from shortlist import config
from shortlist.cli.options import Given, pair_of, report, resolved, typed, value_of
from shortlist.config import SearchConfig
from shortlist.config.file import toml_of
from shortlist.config.search_config import NAMES
from shortlist.errors import InvalidInput

if TYPE_CHECKING:
    from shortlist.evaluation.query_sets.query_set import Judged, QuerySet
    from shortlist.evaluation.subject import Subject
    from shortlist.index import OpenIndex

INDEX = "index"
EXAMPLE = f"name:key=value,key=value with the keys {INDEX}, {', '.join(NAMES)}"


@dataclass(frozen=True, slots=True)
class SetUp:
    """One way to search one index."""

    name: str
    index: Path
    config: SearchConfig


@dataclass(frozen=True, slots=True)
class Judging:
    """The queries to measure on, and which ids count."""

    queries: QuerySet
    allow_unknown: bool
    ignore_identical_ids: bool


def set_ups(given: Given, texts: Sequence[str], index: Path) -> list[SetUp]:
    """Return the set-ups that `name:key=value,key=value` options or .toml files state.

    A set-up is a configuration: its own values take precedence over the options of the command line, and those over
    `shortlist.toml`. A .toml file has one table for each set-up. No texts give one set-up, "default".

    Raises:
        InvalidInput: A missing name, an unknown key, a bad value, or one name twice.
    """
    if not texts:
        return [SetUp("default", index, resolved(given).config)]
    tables = [table for text in texts for table in _tables(text)]
    names = [name for name, _ in tables]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InvalidInput(f"two set-ups are named {repeated[0]!r}: give each a name of its own")
    file = config.read()
    return [_set_up(name, table, typed(given), file, index) for name, table in tables]


def _tables(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The name and the values of each set-up in an option or in a file."""
    if text.endswith(".toml"):
        return list(_of_file(Path(text)).items())
    name, colon, rest = text.partition(":")
    if not colon or not name.strip() or "=" in name:
        raise InvalidInput(f"--set-up is {text!r}: write {EXAMPLE}")
    pairs = [pair_of(pair, "--set-up", "small:pool_size=20") for pair in rest.split(",") if pair.strip()]
    # The path of an index is a text, also if it looks like a number.
    values = {key: value.strip() if key == INDEX else value_of(value.strip()) for key, value in pairs}
    return [(name.strip(), values)]


def _of_file(file: Path) -> dict[str, dict[str, Any]]:
    from shortlist.evaluation.query_sets.files.rows import text_of

    try:
        tables = toml_of(text_of(file))
    except ValueError as error:
        raise InvalidInput(f"{file} is not valid TOML: {error}") from error
    if not tables or not all(isinstance(table, dict) for table in tables.values()):
        raise InvalidInput(f"{file}: write one table for each set-up, such as [small], with the keys of {config.FILE}")
    return tables


def _set_up(
    name: str, table: Mapping[str, Any], given: Mapping[str, Any], file: Mapping[str, Any], index: Path
) -> SetUp:
    values = dict(table)
    own = values.pop(INDEX, str(index))
    if not isinstance(own, str) or not own.strip():
        raise InvalidInput(f"set-up {name!r}: {INDEX} must be a folder, not {own!r}")
    try:
        settings = config.resolve({**given, **values}, file)
    except InvalidInput as error:
        raise InvalidInput(f"set-up {name!r}: {error}") from error
    report(settings)
    return SetUp(name, Path(own), settings.config)


@contextmanager
def opened(set_up: SetUp, judging: Judging) -> Iterator[tuple[OpenIndex, Subject]]:
    """Yield the open index of a set-up, and its search with the query set resolved against the index."""
    from shortlist.evaluation.subject import subject_of

    unknown, identical = judging.allow_unknown, judging.ignore_identical_ids
    with shortlist.open(set_up.index, config=set_up.config) as index:
        passages, search = index.collection.index.passages(), index.searcher
        yield (
            index,
            subject_of(search, judging.queries, passages, allow_unknown=unknown, ignore_identical_ids=identical),
        )


def judged_in(index: Path, queries: QuerySet, *, allow_unknown: bool) -> Judged:
    """Return the query set resolved against an index. No model is loaded."""
    from shortlist.evaluation.query_sets.query_set import resolve
    from shortlist.registry import open_collection

    with open_collection(index) as collection:
        return resolve(queries, collection.index.passages(), allow_unknown=allow_unknown)
