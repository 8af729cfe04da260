"""The options that several commands share, and the one function that turns options into a configuration.

A setting of `SearchConfig` is declared once, in `OPTIONS`. `with_settings` gives a command the options that it names.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from shortlist import config
from shortlist.attributes import is_attribute
from shortlist.cli.bounds import bounded
from shortlist.cli.search_options import OPTIONS
from shortlist.config.file import toml_of
from shortlist.config.places import INDEX, STATE
from shortlist.errors import InvalidInput

DEFAULT_INDEX = str(INDEX)

Given: TypeAlias = Mapping[str, Any]
"""The settings that the command line gives, by the names of `SearchConfig`; None for the others."""


def option(flag: str, metavar: str, words: str, *, least: int | None = None, most: int | None = None) -> Any:
    """Return an option with a value. `metavar` names the value in the help, and `least` and maybe `most` bound it."""
    return typer.Option(flag, metavar=metavar, callback=bounded(flag, least, most), help=words)


INDEX_WORDS = "The index folder, or an index on a server such as qdrant:notes@http://127.0.0.1:6333."
NO_INDEX = f"[default: {DEFAULT_INDEX}, or no index if the retriever is a store or an attribute]"
IndexOption = Annotated[str, typer.Option("--index", help=INDEX_WORDS, metavar="INDEX")]
SearchedIndexOption = Annotated[
    str | None,
    option("--index", "INDEX", f"{INDEX_WORDS} {NO_INDEX}"),
]
StateOption = Annotated[
    Path | None,
    option("--state", "DIR", f"The folder for the fits of a retriever without an index. [default: {STATE}]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="Search only passages whose metadata meets this condition: year=2024, status!=retired, price<100, "
        "date>=2024-01-31, sku^=AB- (the text starts so), city~=bern (any case). Quote it for the shell. All must "
        "hold. If a key has several values (year=2023, year=2024), they are alternatives.",
    ),
]


NAMED_ALIKE = """
rerank min_score min_probability tail progressive blend fusion retriever bi_encoder reranker precision device threads
pool_encoder where alpha delta measure method sizes blends fusions timed budget_ms cut prune precompute words language
allow_unknown state passages qps tokens dimension quantised p95_ms cores memory_gb copies core_price gb_price
qrels workers ray duplicates mmr per_document neighbours section budget_tokens expand rerank_query effort
effort_under_load level most_queries gate gate_alpha
""".split()  # noqa: SIM905 - quotes and commas would hide the names
FLAGS: Mapping[str, str] = {
    **{name: f"--{name.replace('_', '-')}" for name in NAMED_ALIKE},
    "pool_size": "--pool",
    "top_k": "--top",
    "weights": "--weight",
    "fields": "--field",
    "index_options": "--index-option",
    "measures": "--measure",
    "count": "--proposals",
    "allow_origins": "--allow-origin",
    "queries": "--also",
}
"""Parameter -> the option that gives it. Error messages name the option in place of the parameter."""


ATTRIBUTES = ("retriever", "bi_encoder", "pool_encoder", "reranker", "expand", "ocr")
"""The options that may name a part of the user's own."""
MODELS = ("bi_encoder", "reranker", "precision", "device", "threads")
STAGES = ("retriever", "fields", "words", "language", "pool_encoder", *MODELS, "fusion", "expand", "blend", "weights")
"""What a search depends on, apart from its sizes and limits."""
ALL = tuple(OPTIONS)
Command: TypeAlias = Callable[..., None]


def _parameter(name: str) -> inspect.Parameter:
    setting, flag = OPTIONS[name], FLAGS[name]
    flags = f"{flag}/--no-{flag[2:]}" if setting.kind is bool else flag
    words = f"{setting.text} [default: shortlist.toml, or {setting.default}]"
    option = typer.Option(None, flags, help=words, metavar=setting.metavar)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=setting.kind | None)


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Give a command the options of these settings in place of its parameter `given`, which receives them as a dict."""

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        options = [_parameter(name) for name in names]
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in signature.parameters.values()
            if parameter.name != "given"
        ]
        parameters = [*own, *options]

        @functools.wraps(command)
        def run(**values: Any) -> None:
            given = {name: values.pop(name) for name in names}
            command(given=given, **values)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def resolved(given: Given) -> config.Resolved:
    """Return the configuration of the options, of `shortlist.toml` in the current folder, and of the defaults.

    Each setting of the file that does not apply is reported on standard error.

    Raises:
        InvalidInput: A value that cannot be used, or a file that cannot be read.
    """
    settings = config.resolve(typed(given), config.read())
    report(settings)
    return settings


def report(settings: config.Resolved) -> None:
    """Print a warning for each setting of the file that does not apply."""
    if settings.notes:
        from shortlist.cli.console import warn
        from shortlist.wording import describe

        for note in settings.notes:
            warn(describe(note))


def typed(given: Given) -> dict[str, Any]:
    """Return the given settings with the values that their texts stand for."""
    values = {name: value for name, value in given.items() if value is not None}
    search_current_folder(values)
    if "pool_size" in values:
        values["pool_size"] = value_of(values["pool_size"])
    if "weights" in values:
        values["weights"] = _weights(values["weights"])
    if "fields" in values:
        values["fields"] = dict(pair_of(text, "--field", "text=body") for text in values["fields"]) or None
    if "index_options" in values:
        pairs = dict(pair_of(text, "--index-option", "shards=6") for text in values["index_options"])
        values["index_options"] = {name: value_of(text) for name, text in pairs.items()} or None
    return {name: value for name, value in values.items() if value is not None}


def search_current_folder(given: Given) -> None:
    """Let Python find modules in the current folder, if an option names a part as `package.module:attribute`.

    `given` are the values of options by their names.

    A name in `shortlist.toml` does not: a file in the folder could then run, although the user named nothing.
    """
    names = [name for name in map(given.get, ATTRIBUTES) if isinstance(name, str)]
    folder = str(Path.cwd())
    if any(map(is_attribute, names)) and folder not in sys.path:
        sys.path.append(folder)


def value_of(text: str) -> Any:
    """Return the value of a text as a toml file reads it: a number, true or false, a table; else the text itself."""
    try:
        return toml_of(f"value = {text}")["value"]
    except ValueError:
        return text


def _weights(given: Sequence[str]) -> dict[str, Any] | None:
    pairs = dict(pair_of(text, "--weight", "dense=8") for text in given)
    return {signal: value_of(text) for signal, text in pairs.items()} or None


def pair_of(text: str, option: str, example: str) -> tuple[str, str]:
    """Return the key and the value of `key=value`.

    Raises:
        InvalidInput: There is no "=", or nothing before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InvalidInput(f"{option} is {text!r}: write key=value, such as {example}")
    return key.strip(), value
