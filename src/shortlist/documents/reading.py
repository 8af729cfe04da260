"""Sources to documents, in any format."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from shortlist.disk_map import DiskMap
from shortlist.documents.formats import READERS, RECORDS
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.errors import InvalidInput, MissingExtra
from shortlist.types import Document, Note


def fingerprint(source: Source) -> str:
    """Return the Blake2b hash of the source's bytes as 32 hexadecimal digits. The file is read in blocks.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    with source.path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read(source: Source) -> Iterator[Document | Skipped]:
    """Yield the source's documents in order, and a `Skipped` for everything that cannot be read.

    Bad content raises no error. A record with a title and no text gets its title as text. Ids are unique within a
    source: the first document with an id is kept. Metadata always contains "source" and "format". It contains
    "replaced_bytes" if bytes that are not in the encoding of the text were replaced by U+FFFD.

    Raises:
        InvalidInput: The source's format is unknown.
    """
    if source.format not in READERS:
        raise InvalidInput(f"the format {source.format!r} is unknown; the formats are {', '.join(READERS)}")
    return _documents(source)


def _documents(source: Source) -> Iterator[Document | Skipped]:
    places = DiskMap()
    try:
        for item in READERS[source.format](source):
            yield item if isinstance(item, Skipped) else _checked(source, item, places)
    except OSError as error:
        yield Skipped(source.name, "", Note("unreadable", error=error.strerror or type(error).__name__))
    except Unreadable as error:
        yield Skipped(source.name, "", error.note)
    except MissingExtra as error:
        yield Skipped(source.name, "", Note("missing_extra", format=source.format, extra=error.extra))
    except (ValueError, LookupError) as error:
        note = Note("broken", format=source.format, error=f"{type(error).__name__}: {error}")
        yield Skipped(source.name, "", note)


def _checked(source: Source, record: Record, places: DiskMap) -> Document | Skipped:
    """Return the document, or a `Skipped` if it is empty or an earlier document has its id."""
    document = record.document
    if source.format in RECORDS and not document.text.strip():
        document = replace(document, text=document.title, title="")
    if not document.text.strip():
        return Skipped(source.name, record.place, Note("empty"))
    first = places.setdefault(document.id, record.place)
    if first != record.place:
        return Skipped(source.name, record.place, Note("repeated_id", id=document.id, first=first))
    return document
