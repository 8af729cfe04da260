"""Passages to a file: JSON lines, or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from shortlist.errors import InvalidInput, MissingExtra
from shortlist.types import Passage

if TYPE_CHECKING:
    import pyarrow

Row: TypeAlias = "tuple[Passage, list[float] | None]"
"""A passage and its vector."""

JSONL, PARQUET = ".jsonl", ".parquet"
ROWS_PER_GROUP = 4096


def check_format(file: Path) -> None:
    """Check that the extension of a file is that of a known format, and that the packages of the format are installed.

    Raises:
        InvalidInput: Another extension.
        MissingExtra: A Parquet file, and pyarrow is not installed.
    """
    if file.suffix.lower() not in (JSONL, PARQUET):
        raise InvalidInput(f"{file} has no known format: name a file that ends in {JSONL} or {PARQUET}")
    if file.suffix.lower() == PARQUET:
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise MissingExtra(f"a {PARQUET} file", "parquet") from error


def write(rows: Iterable[Row], file: IO[bytes], suffix: str, dimension: int | None = None) -> int:
    """Write the rows, and return their number.

    A row has the fields id, text, title, document_id, metadata, and vector if `dimension` is given. In Parquet,
    metadata is JSON text, because each row may have other fields.

    Args:
        rows: The passages with their vectors.
        file: Where to write.
        suffix: ".jsonl" or ".parquet".
        dimension: The length of a vector. None: no vectors.
    """
    return (_write_parquet if suffix.lower() == PARQUET else _write_jsonl)(rows, file, dimension)


def _write_jsonl(rows: Iterable[Row], file: IO[bytes], dimension: int | None) -> int:
    count = 0
    for row in rows:
        file.write(json.dumps(_fields(row, dimension), ensure_ascii=False).encode() + b"\n")
        count += 1
    return count


def _write_parquet(rows: Iterable[Row], file: IO[bytes], dimension: int | None) -> int:
    from pyarrow import Table
    from pyarrow.parquet import ParquetWriter

    schema, count = _schema(dimension), 0
    with ParquetWriter(file, schema) as writer:
        for group in _groups(rows):
            table = [_as_text(_fields(row, dimension)) for row in group]
            writer.write_table(Table.from_pylist(table, schema))
            count += len(group)
    return count


def _schema(dimension: int | None) -> pyarrow.Schema:
    import pyarrow

    columns = [(name, pyarrow.string()) for name in ("id", "text", "title", "document_id", "metadata")]
    vector = [] if dimension is None else [("vector", pyarrow.list_(pyarrow.float32(), dimension))]
    return pyarrow.schema([*columns, *vector])


def _fields(row: Row, dimension: int | None) -> dict[str, Any]:
    passage, vector = row
    return {
        "id": passage.id,
        "text": passage.text,
        "title": passage.title,
        "document_id": passage.document_id or passage.id,
        "metadata": dict(passage.metadata),
        **({} if dimension is None else {"vector": vector}),
    }


def _as_text(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields, "metadata": json.dumps(fields["metadata"], ensure_ascii=False)}


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while group := list(islice(iterator, ROWS_PER_GROUP)):
        yield group
