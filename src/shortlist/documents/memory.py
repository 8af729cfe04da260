"""Documents that lie in no file, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from shortlist.documents.decoding import clean
from shortlist.documents.metadata import value
from shortlist.documents.source import Source
from shortlist.errors import InvalidInput
from shortlist.types import Document, Field

MEMORY = Source(Path(":memory:"), "memory")
"""The source of all documents that came from no file. No file can be read under this name: it has no extension."""

_FIELDS = ("id", "text", "title", "metadata")


def checked(given: Iterable[Document | Mapping[str, object]]) -> list[Document]:
    """The documents in the order given, with what can't be stored replaced as in files.

    A mapping holds "id" and "text", and may hold "title" and "metadata". An id is a string or a whole number, which
    becomes one. Metadata keeps its own fields: "source" and "format" too, and "replaced_bytes" counts the NUL
    characters and lone surrogates that became U+FFFD in the text. None is left out; a list or tuple of values is a
    list; other ones, dicts, NaN, infinities and integers beyond 64 bits become JSON text. Nothing given gives an empty
    list.

    Raises:
        InvalidInput: A document lacks its id or text, has one of another type or an empty one, has the id of another
            one, an unknown field, or metadata that JSON has no word for.
    """
    if isinstance(given, Document | Mapping | str | bytes) or not isinstance(given, Iterable):
        raise InvalidInput(f"give a list of documents, not one {type(given).__name__}")
    documents: list[Document] = []
    places: dict[str, int] = {}
    for number, one in enumerate(given, start=1):
        document = _document(one, number)
        first = places.setdefault(document.id, number)
        if first != number:
            raise InvalidInput(f"documents {first} and {number} have the same id {document.id!r}: give each its own")
        documents.append(document)
    return documents


def _document(given: object, number: int) -> Document:
    fields = _fields(given, number)
    key = _id(fields, number)
    name = f"document {number} (id {key!r})"
    text, title = fields.get("text"), fields.get("title")
    if not isinstance(text, str):
        raise InvalidInput(f"{name}: its text is {_kind(text)}, not a string")
    if not text.strip():
        raise InvalidInput(f"{name}: its text is empty. Leave the document out, or give it one")
    if title is not None and not isinstance(title, str):
        raise InvalidInput(f"{name}: its title is {_kind(title)}, not a string")
    text, lost = clean(text)
    metadata = _metadata(fields.get("metadata"), name)
    return Document(key, text, clean(title or "")[0], {**metadata, "replaced_bytes": lost} if lost else metadata)


def _fields(given: object, number: int) -> dict[str, object]:
    if isinstance(given, Document):
        return {name: getattr(given, name) for name in _FIELDS}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"document {number} is {_kind(given)}: give a Document, or a dict with id and text")
    unknown = [key for key in given if key not in _FIELDS]
    if unknown:
        known = ", ".join(_FIELDS)
        raise InvalidInput(f"document {number} has the field {unknown[0]!r}: known are {known}. Put it into metadata")
    return dict(given)


def _id(fields: Mapping[str, object], number: int) -> str:
    given = fields.get("id")
    if given is None:
        raise InvalidInput(f"document {number} has no id: give it one that stays the same, such as a key or a URL")
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise InvalidInput(f"document {number}: its id is {_kind(given)}, not a string or a whole number")
    key, lost = clean(str(given))
    if not key.strip():
        raise InvalidInput(f"document {number}: its id is empty")
    if lost:
        raise InvalidInput(f"document {number}: its id holds characters that are not text")
    if key == MEMORY.name:
        raise InvalidInput(
            f"document {number}: the id {key!r} names all documents that came from no file: give another"
        )
    return key


def _metadata(given: object, name: str) -> dict[str, Field]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{name}: its metadata is {_kind(given)}, not a dict")
    out: dict[str, Field] = {}
    for key, content in given.items():
        if not isinstance(key, str):
            raise InvalidInput(f"{name}: the metadata field {key!r} has a name that is no string")
        try:
            held = value(content)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(
                f"{name}: the metadata field {key!r} is {_kind(content)}: give text, a number, true or false, or a "
                "list of them"
            ) from error
        if held is not None:
            out[clean(key)[0]] = held
    return out


def _kind(given: object) -> str:
    return "None" if given is None else f"of type {type(given).__name__}"
