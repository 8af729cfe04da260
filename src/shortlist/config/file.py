"""`shortlist.toml`: the settings of searches that start in the folder of the file.

    [search]
    rerank = true
    pool_size = 30
    top_k = 5
    blend = 1.0
    weights = { dense = 8.0 }
    min_probability = 0.2
    fusion = 0.5
    min_score = 2.5
    reranker = "cohere:rerank-v3.5"

    [fields]
    text = "body"

    [index]
    shards = 6

    [efforts.low]
    pool_size = 10

The keys of `[search]` are the fields of `SearchConfig`. `[fields]` is its field `fields`: the names of a store's
fields. `[index]` is its field `index_options`: the options of an index on a server. `[efforts]` is its field `efforts`.
An unknown table or key is an error. Without this check, a misspelt key would have no effect and no message.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shortlist.atomic_io import write_whole
from shortlist.config.efforts import without_clash
from shortlist.config.search_config import NAMES, SIGNALS, SearchConfig
from shortlist.config.unknown import did_you_mean
from shortlist.errors import InvalidInput

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "shortlist.toml"
TABLE = "search"
TABLES = {"fields": "fields", "index_options": "index", "efforts": "efforts"}
"""Setting -> the table that holds it, for settings that have a table of their own."""
_FOLDER = "To choose the index folder, give --index on the command line, or the path in Python"
_HINTS = {"index_options": f": [index] holds the options of an index, such as shards = 6. {_FOLDER}"}


def read(folder: Path | None = None) -> dict[str, Any]:
    """Return the settings of `shortlist.toml` in `folder` or the current folder, by name. Empty without a file.

    Raises:
        InvalidInput: The file cannot be read, is not TOML, or has an unknown key or a bad value.
    """
    file = (folder or Path.cwd()) / FILE
    return parsed(_text(file), file)


def write(values: Mapping[str, Any], folder: Path | None = None) -> Path:
    """Write the values into the [search] table of the file, and return the file.

    A value of None removes its key. Comments, layout and other settings stay.

    Raises:
        InvalidInput: A bad value, or the file cannot be read, changed or written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    file = (folder or Path.cwd()) / FILE
    before = _text(file)
    parsed(before, file)
    try:
        document = tomlkit.parse(before)
        _put(document, values)
        after = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise InvalidInput(f"{file} cannot be changed ({error}). Add these lines yourself:\n{lines(values)}") from error
    parsed(after, file)
    write_whole(file, after)
    return file


def lines(values: Mapping[str, Any]) -> str:
    """Return the values in the form of the file, without the values that are None."""
    import tomlkit

    document = tomlkit.document()
    _put(document, values)
    return tomlkit.dumps(document).strip()


def _put(document: Any, values: Mapping[str, Any]) -> None:
    """Set the values in their tables of the document."""
    import tomlkit

    settings = {key: value for key, value in values.items() if key not in TABLES}
    if settings or not values:
        table = document.setdefault(TABLE, tomlkit.table())
        for key, value in settings.items():
            _set(table, key, value)
    for name in TABLES.keys() & values.keys():
        document.pop(TABLES[name], None)
        if values[name] is not None:
            document[TABLES[name]] = dict(values[name])


def _set(table: Any, key: str, value: Any) -> None:
    import tomlkit

    if value is None:
        table.pop(key, None)
    elif isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update(value)
        table[key] = inline
    else:
        table[key] = value


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8: {error.reason} at byte {error.start}") from error


def toml_of(text: str) -> dict[str, Any]:
    """Return the content of a TOML text.

    Raises:
        ValueError: The text is not TOML.
    """
    return tomllib.loads(text)


def parsed(text: str, file: Path) -> dict[str, Any]:
    """Return the settings in the text of `file`. Raises as `read` does."""
    try:
        tables = toml_of(text)
    except ValueError as error:
        raise InvalidInput(f"{file} is not valid TOML: {error}") from error
    settings = _settings_in(tables, file)
    signals = settings.get("weights")
    if isinstance(signals, dict):
        no_signals = [name for name in signals if name not in SIGNALS]
        if no_signals:
            raise InvalidInput(
                f"{file}: weights: {no_signals[0]!r} is not a signal; the signals are {', '.join(SIGNALS)}"
            )
    try:
        SearchConfig().override(without_clash(settings))
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from error
    return settings


def _settings_in(tables: dict[str, Any], file: Path) -> dict[str, Any]:
    """The settings of all tables, with known names."""
    settings = tables.pop(TABLE, {})
    own = {name: tables.pop(table) for name, table in TABLES.items() if table in tables}
    for name, value in own.items():
        if not isinstance(value, dict):
            raise InvalidInput(f"{file}: {TABLES[name]} is {value!r:.80}, and must be a table{_HINTS.get(name, '')}")
    if tables or not isinstance(settings, dict):
        name = next(iter(tables), TABLE)
        raise InvalidInput(
            f"{file}: {name!r} is not a known table. Put every key under [{TABLE}], the names of a store's fields "
            f"under [{TABLES['fields']}], the options of an index on a server under [{TABLES['index_options']}], and "
            f"effort levels under [{TABLES['efforts']}]"
        )
    for key, value in settings.items():
        if key not in NAMES or key in TABLES:
            raise InvalidInput(f"{file}: {key!r} is unknown under [{TABLE}]{_place_of(key, value)}")
    return {**settings, **own}


def _place_of(key: str, value: object) -> str:
    """Return where a key belongs that [search] does not have: a table of its own, a similar key, or all keys."""
    table = TABLES.get(key, key)
    if table == TABLES["index_options"] and not isinstance(value, dict):
        return f". {_FOLDER}"
    if table in TABLES.values():
        return f": [{table}] is a table of its own. Write its keys under [{table}]"
    names = [name for name in NAMES if name not in TABLES]
    return did_you_mean(key, names) or f"; the keys are {', '.join(names)}"
