"""Set-ups to measure beside each other, and the index each of them is measured on."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from shortlist.cli.options import Knobs, parse_pool
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import text_of
from shortlist.evaluation.query_sets.identical_ids import without_itself
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.replay.checkpoint import corpus_hash
from shortlist.registry import OpenIndex, Settings, open_index
from shortlist.search.pipeline import Shortlist
from shortlist.types import PoolSize

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS = ("index", "retriever", "bi-encoder", "cross-encoder", "precision", "blend", "fusion", "pool", "rerank")


Otherwise = TypeVar("Otherwise", str, str | None)


@dataclass(frozen=True, slots=True)
class SetUp:
    """One way to search one index. `cross_encoder` stays named where `rerank` is off."""

    name: str
    index: Path
    pool: PoolSize
    rerank: bool
    settings: Settings

    @property
    def used(self) -> Settings:
        """The settings to open the index with."""
        return self.settings if self.rerank else replace(self.settings, cross_encoder=None)

    @property
    def about(self) -> dict[str, str]:
        """What it is, for a saved file."""
        used = self.used
        return {
            "index": str(self.index),
            "retriever": used.retriever,
            "cross-encoder": used.cross_encoder or "none",
            "precision": used.precision,
            "blend": f"{used.blend:g}",
            "fusion": f"{used.fusion:g}",
            "weights": "fitted" if used.weights is None else str(dict(used.weights)),
        }

    def about_pass(self, index: OpenIndex, *, itself: bool) -> dict[str, object]:
        """What a scoring pass over the opened index depends on beside the queries, for a checkpoint."""
        held = {"passages": corpus_hash(index.index.passages()), "itself": itself}
        return {**self.about, **index.beside.fitted_for, **held}


def base(index: Path, knobs: Knobs, settings: Settings) -> SetUp:
    """The set-up of `settings` with what the options and `shortlist.toml` say of the rest."""
    used = replace(knobs.over(settings), cross_encoder=knobs.cross_encoder)
    return SetUp("default", index, knobs.pool, knobs.rerank, used)


def parse_set_ups(given: Sequence[str], base: SetUp) -> list[SetUp]:
    """The set-ups that `name:key=value,key=value` options or .toml files state, each starting from `base`.

    A set-up with another cross-encoder than `base` leaves its weights: they are in that one's unit.

    A .toml file has one table a set-up. No option gives `base` alone.

    Raises:
        InvalidInput: No name, an unknown key, a bad value, or one name twice.
    """
    made: list[SetUp] = []
    for one in given:
        tables = _from_toml(Path(one)) if one.endswith(".toml") else _from_option(one)
        made += [_set_up(name, table, base) for name, table in tables.items()]
    names = [one.name for one in made]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidInput(f"two set-ups are named {twice[0]!r}: give each a name of its own")
    return made or [base]


def _from_option(text: str) -> dict[str, dict[str, Any]]:
    name, colon, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair.strip()]
    if not colon or not name.strip() or not all(equals for _, equals, _ in pairs):
        raise InvalidInput(f"--set-up {text!r}: write name:key=value,key=value with the keys {', '.join(KEYS)}")
    return {name.strip(): {key.strip(): value.strip() for key, _, value in pairs}}


def _from_toml(file: Path) -> dict[str, dict[str, Any]]:
    try:
        held = tomllib.loads(text_of(file))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{file} is no TOML: {error}") from error
    if not held or not all(isinstance(table, dict) for table in held.values()):
        raise InvalidInput(f"{file}: write one table a set-up, such as [small] with the keys {', '.join(KEYS)}")
    return held


def _set_up(name: str, table: Mapping[str, Any], base: SetUp) -> SetUp:
    unknown = [key for key in table if key not in KEYS]
    if unknown:
        raise InvalidInput(f"set-up {name!r}: {unknown[0]!r} is unknown; its keys are {', '.join(KEYS)}")
    old = base.settings
    rerank = str(table.get("rerank", base.rerank)).lower()
    if rerank not in {"true", "false"}:
        raise InvalidInput(f"set-up {name!r}: rerank must be true or false, not {rerank!r}")
    model = _text(name, table, "cross-encoder", old.cross_encoder)
    return SetUp(
        name=name,
        index=Path(_text(name, table, "index", str(base.index))),
        pool=parse_pool(str(table.get("pool", base.pool)), f"set-up {name!r}: pool"),
        rerank=rerank == "true",
        settings=replace(
            old,
            retriever=_text(name, table, "retriever", old.retriever),
            bi_encoder=_text(name, table, "bi-encoder", old.bi_encoder),
            cross_encoder=model,
            precision=_text(name, table, "precision", old.precision),
            blend=_number(name, "blend", table.get("blend", old.blend)),
            weights=old.weights if model == old.cross_encoder else None,
            fusion=_number(name, "fusion", table.get("fusion", old.fusion)),
        ),
    )


def _text(name: str, table: Mapping[str, Any], key: str, otherwise: Otherwise) -> str | Otherwise:
    """The table's text under this key."""
    if key not in table:
        return otherwise
    held = table[key]
    if not isinstance(held, str) or not held.strip():
        raise InvalidInput(f"set-up {name!r}: {key} must be a text, not {held!r}")
    return held


def _number(name: str, key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"set-up {name!r}: {key} must be a number, not {value!r}") from error


@contextmanager
def opened(
    set_up: SetUp, queries: QuerySet, *, allow_unknown: bool, itself: bool, blend: float | None = None
) -> Iterator[tuple[OpenIndex, Shortlist, Judged]]:
    """The index of a set-up, its searches, and the query set resolved against it; `blend` stands in for its own.

    With `itself` a query's own id is left out of what is retrieved.
    """
    used = set_up.used if blend is None else replace(set_up.used, blend=blend)
    with open_index(set_up.index, used) as index:
        judged = resolve(queries, index.index.passages(), allow_unknown=allow_unknown)
        inner = index.shortlist
        retriever = without_itself(inner.retriever, queries.queries) if itself else inner.retriever
        yield index, Shortlist(retriever, inner.reranker, weights=inner.weights), judged


def resolved(index: Path, queries: QuerySet, *, allow_unknown: bool) -> Judged:
    """The query set resolved against an index, without loading a model; raises as `resolve` and `open_index`."""
    with open_index(index, Settings(retriever="bm25", cross_encoder=None)) as held:
        return resolve(queries, held.index.passages(), allow_unknown=allow_unknown)
