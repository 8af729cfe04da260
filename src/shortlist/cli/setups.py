"""Set-ups: named ways to search, each measured on an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist import config
from shortlist.cli.options import Given, pair_of, report, resolved, search_current_folder, typed, value_of
from shortlist.config import SearchConfig
from shortlist.config.file import toml_of
from shortlist.config.search_config import NAMES
from shortlist.config.unknown import did_you_mean
from shortlist.errors import InvalidInput
from shortlist.opening import index_of, open_search, single
from shortlist.redaction import without_secrets
from shortlist.several import is_several
from shortlist.stores.kinds import is_store

if TYPE_CHECKING:
    from shortlist.evaluation.query_sets.query_set import Judged, QuerySet
    from shortlist.evaluation.subject import Subject
    from shortlist.search.opened import Opened
    from shortlist.types import Passage

INDEX = "index"
KEYS = (INDEX, *NAMES)
EXAMPLE = f"name:key=value,key=value with the keys {', '.join(KEYS)}"


@dataclass(frozen=True, slots=True)
class SetUp:
    """One way to search one index, several collections, or one store or retriever of your own if `index` is None."""

    name: str
    index: str | Path | tuple[str | Path, ...] | None
    config: SearchConfig
    state: Path | None = None
    boosts: Mapping[str, float] | None = None

    @property
    def subject(self) -> str:
        """The name of what is searched: the index, or the retriever, without secrets."""
        if isinstance(self.index, tuple):
            return ", ".join(without_secrets(str(place)) for place in self.index)
        return without_secrets(self.config.retriever if self.index is None else str(self.index))

    @property
    def arguments(self) -> list[str]:
        """The arguments of a command that searches the same."""
        if isinstance(self.index, tuple):
            return [word for place in self.index for word in ("--index", without_secrets(str(place)))]
        if self.index is not None:
            return ["--index", self.subject]
        state = [] if self.state is None else ["--state", str(self.state)]
        return ["--retriever", self.subject, *state]

    @classmethod
    def at(cls, name: str, settings: SearchConfig, place: PlaceOptions) -> SetUp:
        """Return the set-up that searches at the place of the command line.

        Raises:
            InvalidInput: A store and an index folder are given together.
        """
        if is_several(place.index) and isinstance(place.index, list):
            return cls(name, tuple(place.index), settings, place.state, place.boosts)
        return cls(name, index_of(settings, single(place.index)), settings, place.state, place.boosts)

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """Yield the open index or retriever. Raises as `shortlist.opening.open_search` does."""
        with open_search(self.config, self.index, self.state, boosts=self.boosts) as searched:
            yield searched


@dataclass(frozen=True, slots=True)
class Judging:
    """The queries to measure on, and which ids count."""

    queries: QuerySet
    allow_unknown: bool
    ignore_identical_ids: bool


@dataclass(frozen=True, slots=True)
class PlaceOptions:
    """What --index, --state and --boost give, or None: the index or several, and the folder of a retriever's fits."""

    index: str | Path | list[str] | None = None
    state: Path | None = None
    boosts: Mapping[str, float] | None = None


def set_ups(given: Given, texts: Sequence[str], place: PlaceOptions) -> list[SetUp]:
    """Return the set-ups that `name:key=value,key=value` options or .toml files state.

    A set-up is a configuration: its own values take precedence over the options of the command line, and those over
    `shortlist.toml`. A .toml file has one table for each set-up. The index folder of `place` is that of the set-ups
    that name none, except for stores, which have none. No texts give one set-up, "default".

    Raises:
        InvalidInput: A missing name, an unknown key, a bad value, one name twice, or an option that no set-up uses.
    """
    if not texts:
        return [SetUp.at("default", resolved(given).config, place)]
    tables = [table for text in texts for table in _tables(text)]
    repeated = _repeated([name for name, _ in tables])
    if repeated is not None:
        raise InvalidInput(f"two set-ups are named {repeated!r}: give each a name of its own")
    file = config.read()
    built = [_set_up(name, table, typed(given), file, place) for name, table in tables]
    if place.state is not None and all(set_up.index is not None for set_up in built):
        raise InvalidInput("--state is for the fits of a store, and each set-up searches an index: leave it out")
    return built


def _tables(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The name and the values of each set-up in an option or in a file."""
    if text.endswith(".toml"):
        return list(_of_file(Path(text)).items())
    name, colon, rest = text.partition(":")
    if not colon or not name.strip() or "=" in name:
        raise InvalidInput(f"--set-up is {text!r}: write {EXAMPLE}")
    pairs = [pair_of(pair, "--set-up", "small:pool_size=20") for pair in rest.split(",") if pair.strip()]
    repeated = _repeated([key for key, _ in pairs])
    if repeated is not None:
        raise InvalidInput(f"--set-up {name.strip()!r} has {repeated!r} twice: give one value")
    # The path of an index is a text, also if it looks like a number.
    values = {key: value.strip() if key == INDEX else value_of(value.strip()) for key, value in pairs}
    search_current_folder(values)
    return [(name.strip(), values)]


def _repeated(names: Sequence[str]) -> str | None:
    """Return the first name that occurs twice, or None."""
    return next((name for name in names if names.count(name) > 1), None)


def _of_file(file: Path) -> dict[str, dict[str, Any]]:
    from shortlist.evaluation.query_sets.files.rows import text_of

    text = text_of(file)
    try:
        tables = toml_of(text)
    except ValueError as error:
        raise InvalidInput(f"{file} is not valid TOML: {error}") from error
    if not tables or not all(isinstance(table, dict) for table in tables.values()):
        raise InvalidInput(f"{file}: write one table for each set-up, such as [small], with the keys of {config.FILE}")
    return tables


def _set_up(
    name: str, table: Mapping[str, Any], given: Mapping[str, Any], file: Mapping[str, Any], place: PlaceOptions
) -> SetUp:
    values = dict(table)
    unknown = next((key for key in values if key not in KEYS), None)
    if unknown is not None:
        close = did_you_mean(unknown, KEYS)
        raise InvalidInput(f"set-up {name!r}: {unknown!r} is unknown{close}; the keys are {', '.join(KEYS)}")
    own = values.pop(INDEX, None)
    if own is not None and (not isinstance(own, str) or not own.strip()):
        raise InvalidInput(f"set-up {name!r}: {INDEX} must be the name of an index, not {own!r}")
    try:
        settings = config.resolve({**given, **values}, file)
        shared = None if is_store(settings.config.retriever) else place.index
        index = index_of(settings.config, single(shared) if own is None else own)
    except InvalidInput as error:
        raise InvalidInput(f"set-up {name!r}: {error}") from error
    report(settings)
    return SetUp(name, index, settings.config, place.state if index is None else None)


@contextmanager
def opened(set_up: SetUp, judging: Judging) -> Iterator[tuple[Opened, Subject]]:
    """Yield the open index or retriever of a set-up, and its search with the resolved query set."""
    from shortlist.evaluation.subject import subject_of

    unknown, identical = judging.allow_unknown, judging.ignore_identical_ids
    with set_up.open() as searched:
        yield searched, subject_of(searched, judging.queries, allow_unknown=unknown, ignore_identical_ids=identical)


def judged_in(set_up: SetUp, judging: Judging) -> tuple[Judged, Sequence[Passage]]:
    """Return the query set resolved as `opened` resolves it, and the passages that it is resolved against.

    No reranker is loaded, and no bi-encoder if the passages can be listed.
    """
    from shortlist.evaluation.query_sets.query_set import resolve
    from shortlist.evaluation.subject import corpus_of, resolve_in, retrieved_passages

    unknown = judging.allow_unknown
    with replace(set_up, config=set_up.config.override({"rerank": False})).open() as searched:
        corpus = corpus_of(searched)
        if corpus is not None:
            passages: Sequence[Passage] = list(corpus)
            return resolve(judging.queries, passages, allow_unknown=unknown), passages
        passages = retrieved_passages(judging.queries, searched.searcher.retriever)
        return resolve_in(passages, judging.queries, allow_unknown=unknown), passages
