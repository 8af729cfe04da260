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

The keys are the fields of `SearchConfig`. An unknown table or key is an error. Without this check, a misspelt key would
have no effect and no message.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shortlist.atomic_io import write_whole
from shortlist.config.search_config import NAMES, SIGNALS, SearchConfig
from shortlist.errors import InvalidInput

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "shortlist.toml"
TABLE = "search"


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
        table = document.setdefault(TABLE, tomlkit.table())
        for key, value in values.items():
            _set(table, key, value)
        after = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise InvalidInput(f"{file} cannot be changed ({error}). Add these lines yourself:\n{lines(values)}") from error
    parsed(after, file)
    write_whole(file, after)
    return file


def lines(values: Mapping[str, Any]) -> str:
    """Return the values in the form of the file, without the values that are None."""
    import tomlkit

    table = tomlkit.table()
    for key, value in values.items():
        _set(table, key, value)
    return tomlkit.dumps({TABLE: table}).strip()


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
    settings = tables.pop(TABLE, {})
    if tables or not isinstance(settings, dict):
        raise InvalidInput(f"{file}: {next(iter(tables), TABLE)!r} is not a known table. Put every key under [{TABLE}]")
    unknown = [key for key in settings if key not in NAMES]
    if unknown:
        raise InvalidInput(f"{file}: {unknown[0]!r} is unknown under [{TABLE}]; the keys are {', '.join(NAMES)}")
    signals = settings.get("weights")
    if isinstance(signals, dict):
        no_signals = [name for name in signals if name not in SIGNALS]
        if no_signals:
            raise InvalidInput(
                f"{file}: weights: {no_signals[0]!r} is not a signal; the signals are {', '.join(SIGNALS)}"
            )
    try:
        SearchConfig().override(settings)
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from error
    return settings
