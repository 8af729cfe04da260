"""The texts of a file for bulk work: JSON lines, CSV, a BEIR folder, or Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.documents import ReadOptions, Skipped, Source, read
from shortlist.documents.export import check_format
from shortlist.documents.formats import EXTENSIONS, RECORDS
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.files.rows import Encodings
from shortlist.types import Document, Note, Passage

PARQUET = ".parquet"
FORMS = "a .jsonl, .csv, .tsv or .parquet file, or a BEIR folder"
IDS, TEXTS, TITLES = ("id", "_id", "passage_id", "docid"), ("text",), ("title",)
"""The names of the columns of a Parquet file."""
ROWS_AT_A_TIME = 4096


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its id. `content` is what models read: the text, after its title if there is one."""

    id: str
    content: str


def texts_in(path: Path, encodings: Encodings) -> Iterator[Text | Skipped]:
    """Yield every text in the order of the file, and a `Skipped` for each row that cannot be used.

    Ids are unique: a later row with the id of an earlier one is skipped. `encodings` has the encoding of a file that is
    not UTF-8, and gets the guess for this file.

    Raises:
        InvalidInput: There is no such file, it has another format, or a Parquet file lacks a column.
        MissingExtra: A Parquet file, and pyarrow is not installed.
    """
    source = path / "corpus.jsonl" if path.is_dir() else path
    if not source.is_file():
        raise InvalidInput(f"there is no file with texts at {path}: give {FORMS}")
    suffix = source.suffix.lower()
    if suffix == PARQUET:
        return _of_parquet(source)
    if EXTENSIONS.get(suffix) not in RECORDS:
        raise InvalidInput(f"{path} has no rows of texts: give {FORMS}")
    resolved = source.resolve()
    return _of_rows(
        Source(resolved, EXTENSIONS[suffix], resolved.parent, ReadOptions(encoding=encodings.given)), encodings
    )


def _of_rows(source: Source, encodings: Encodings) -> Iterator[Text | Skipped]:
    for item in read(source):
        if isinstance(item, Document):
            yield _of_document(item)
        elif item.note.code == "guessed_encoding":
            encodings.guessed[str(source.path)] = str(item.note.values["encoding"])
        else:
            yield item


def _of_document(document: Document) -> Text:
    return Text(document.id, Passage(document.id, document.text, title=document.title).content)


def _of_parquet(file: Path) -> Iterator[Text | Skipped]:
    seen: set[str] = set()
    for number, (key, text, title) in enumerate(parquet_rows(file, [(IDS, True), (TEXTS, True), (TITLES, False)])):
        place = f"row {number}"
        if key is None or not isinstance(text, str) or not text.strip():
            yield Skipped(file.name, place, Note("empty") if key is not None else Note("empty_id", field="id"))
        elif str(key) in seen:
            yield Skipped(file.name, place, Note("repeated_id", id=str(key), first="an earlier row"))
        else:
            seen.add(str(key))
            yield _of_document(Document(str(key), text, str(title or "")))


def parquet_rows(file: Path, columns: Iterable[tuple[tuple[str, ...], bool]]) -> Iterator[tuple[Any, ...]]:
    """Yield the values of these columns for each row. Each column has several names, and may be required.

    A column that is missing and not required gives None.

    Raises:
        InvalidInput: The file cannot be read, or lacks a required column.
        MissingExtra: pyarrow is not installed.
    """
    check_format(file)
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(file) as table:
            names = [_column(file, table.schema_arrow.names, known, needed) for known, needed in columns]
            present = [name for name in names if name is not None]
            for batch in table.iter_batches(ROWS_AT_A_TIME, columns=present):
                values: Mapping[str, list[Any]] = batch.to_pydict()
                nothing = [None] * batch.num_rows
                yield from zip(*(nothing if name is None else values[name] for name in names), strict=True)
    except (ArrowException, OSError) as error:
        raise InvalidInput(f"{file} cannot be read as Parquet: {error}") from error


def _column(file: Path, present: Collection[str], known: tuple[str, ...], needed: bool) -> str | None:
    name = next((name for name in known if name in present), None)
    if name is None and needed:
        raise InvalidInput(f"{file} lacks a column {' or '.join(known)}: its columns are {', '.join(present)}")
    return name


def digest_of(parts: Iterable[str]) -> str:
    """Return a hash of the strings in their order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()
