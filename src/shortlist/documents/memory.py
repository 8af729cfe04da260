"""Documents that come from no file: the checks of their fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from shortlist.documents.decoding import clean
from shortlist.documents.metadata import put, values
from shortlist.documents.source import Source
from shortlist.errors import InvalidInput
from shortlist.text.validation import item_name
from shortlist.types import Document, Field

MEMORY = Source(Path(":memory:"), "memory")
"""The source of all documents that come from no file. A file cannot have this name: it has no extension."""

_FIELDS = ("id", "text", "title", "metadata")


def checked(items: Iterable[Document | Mapping[str, object]]) -> list[Document]:
    """Return the documents in the order given. Characters that cannot be stored are replaced, as in files.

    A mapping has "id" and "text", and may have "title" and "metadata". An id is a string, or a whole number, which
    becomes a string. The columns of a `Document` are kept. Metadata keeps its fields, "source" and "format" included.
    "replaced_bytes" counts the NUL characters and lone surrogates that became U+FFFD in the text. None is left out. A
    list or tuple of values becomes a list. Other containers, NaN, infinities and integers beyond 64 bits become JSON
    text. No items give an empty list.

    Raises:
        InvalidInput: A document has no id or no text, one of another type, an empty one, the id of another document, an
            unknown field, or metadata that JSON cannot represent.
    """
    if isinstance(items, Document | Mapping | str | bytes) or not isinstance(items, Iterable):
        raise InvalidInput(f"give a list of documents, not one {type(items).__name__}")
    documents: list[Document] = []
    places: dict[str, int] = {}
    given = list(items)
    for place, item in enumerate(given):
        document = _document(item, item_name("document", place, len(given)))
        first = places.setdefault(document.id, place)
        if first != place:
            second = item_name("document", place, len(given))
            raise InvalidInput(f"{second} has the id {document.id!r} of document {first + 1}: give each its own")
        documents.append(document)
    return documents


def _document(item: object, name: str) -> Document:
    fields = _fields(item, name)
    key = _id(fields, name)
    name = f"{name} (id {key!r})"
    text, title = fields.get("text"), fields.get("title")
    if not isinstance(text, str):
        raise InvalidInput(f"{name}: its text is {_kind(text)}, not a string")
    if not text.strip():
        raise InvalidInput(f"{name}: its text is empty: leave the document out, or give it a text")
    if title is not None and not isinstance(title, str):
        raise InvalidInput(f"{name}: its title is {_kind(title)}, not a string")
    text, lost = clean(text)
    metadata = _metadata(fields.get("metadata"), name)
    columns = tuple(item.columns) if isinstance(item, Document) else ()
    metadata = {**metadata, "replaced_bytes": lost} if lost else metadata
    return Document(key, text, clean(title or "")[0], metadata, columns)


def _fields(item: object, name: str) -> dict[str, object]:
    if isinstance(item, Document):
        return {name: getattr(item, name) for name in _FIELDS}
    if not isinstance(item, Mapping):
        raise InvalidInput(f"{name} is {_kind(item)}: give a Document, or a dict with id and text")
    unknown = [key for key in item if key not in _FIELDS]
    if unknown:
        raise InvalidInput(
            f"{name} has the unknown field {unknown[0]!r}; the fields are {', '.join(_FIELDS)}. Put other "
            "fields into metadata"
        )
    return dict(item)


def _id(fields: Mapping[str, object], name: str) -> str:
    value = fields.get("id")
    if value is None:
        raise InvalidInput(f"{name} has no id: give it one that does not change, such as a key or a URL")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidInput(f"{name}: its id is {_kind(value)}, not a string or a whole number")
    key, lost = clean(str(value))
    if not key.strip():
        raise InvalidInput(f"{name}: its id is empty")
    if lost:
        raise InvalidInput(f"{name}: its id has characters that are not text")
    if key == MEMORY.name:
        raise InvalidInput(f"{name}: the id {key!r} names all documents that come from no file: give another id")
    return key


def _metadata(fields: object, name: str) -> dict[str, Field]:
    if fields is None:
        return {}
    if not isinstance(fields, Mapping):
        raise InvalidInput(f"{name}: its metadata is {_kind(fields)}, not a dict")
    out: dict[str, Field] = {}
    for key, content in fields.items():
        if not isinstance(key, str):
            raise InvalidInput(f"{name}: the name of the metadata field {key!r} is not a string")
        try:
            for path, stored in values({key: content}):
                put(out, path, stored)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(
                f"{name}: the metadata field {key!r} is {_kind(content)}: give text, a number, true or false, or a "
                "list of them"
            ) from error
    return out


def _kind(item: object) -> str:
    return "None" if item is None else f"of type {type(item).__name__}"
