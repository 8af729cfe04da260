"""Sources to documents, whatever the format."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from shortlist.documents.formats import READERS, RECORDS
from shortlist.documents.source import Found, Skipped, Source
from shortlist.errors import InvalidInput
from shortlist.types import Document


def fingerprint(source: Source) -> str:
    """Blake2b of the source's bytes as 32 hexadecimal digits; the file is read in pieces.

    Raises:
        OSError: the file can't be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    with source.path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read(source: Source) -> Iterator[Document | Skipped]:
    """The source's documents in order, and a `Skipped` for whatever could not be read.

    A record that is a title alone has it as its text. Bad content never raises. Ids are unique within a source: the
    first document with an id is kept. Metadata always holds "source" and "format", and "replaced_bytes" where bytes
    that are no text were replaced by U+FFFD.

    Raises:
        InvalidInput: the source's format is none that is known.
    """
    if source.format not in READERS:
        known = ", ".join(READERS)
        raise InvalidInput(f"There is no reader for the format {source.format!r}. Known formats: {known}.")
    return _documents(source)


def _documents(source: Source) -> Iterator[Document | Skipped]:
    places: dict[str, str] = {}
    try:
        for found in READERS[source.format](source):
            yield found if isinstance(found, Skipped) else _checked(source, found, places)
    except OSError as error:
        yield Skipped(source.name, "", f"can't be read: {_reason(error)}")
    except InvalidInput as error:
        yield Skipped(source.name, "", str(error))
    except (ValueError, LookupError) as error:
        yield Skipped(source.name, "", f"not readable as {source.format}: {type(error).__name__}: {error}")


def _checked(source: Source, found: Found, places: dict[str, str]) -> Document | Skipped:
    """The document, unless it is empty or its id was there before."""
    document = found.document
    if source.format in RECORDS and not document.text.strip():
        document = replace(document, text=document.title, title="")
    if not document.text.strip():
        return Skipped(source.name, found.place, "empty: it holds no text")
    first = places.setdefault(document.id, found.place)
    if first != found.place:
        return Skipped(source.name, found.place, f"the id {document.id!r} was already used at {first}")
    return document


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
