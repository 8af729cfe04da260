"""Where a row holds its id, text, title and vector: named by the user, or recognised by the usual names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from shortlist.errors import InvalidInput

FieldKind: TypeAlias = Literal["text", "number", "object", "vector", "other"]

USUAL: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "page_content", "content", "document", "body", "chunk", "chunk_text", "passage"),
    "id": ("id", "_id", "pk", "passage_id", "chunk_id"),
    "title": ("title", "heading"),
    "vector": ("vector", "embedding", "dense", "embeddings", "vec"),
    "document_id": ("document_id", "doc_id", "ref_doc_id"),
    "metadata": ("metadata", "cmetadata", "metadata_", "meta"),
}
"""The names by which a field is recognised, the most usual first."""
KINDS: Mapping[str, tuple[FieldKind, ...]] = {
    "text": ("text",),
    "id": ("text", "number"),
    "title": ("text",),
    "vector": ("vector",),
    "document_id": ("text", "number"),
    "metadata": ("object",),
}


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of the fields in the rows of a store. "" means that there is no such field.

    Without `id`, the store's own id is the id. Without `document_id`, each passage is a document of its own. `metadata`
    is a field that contains the other fields, as LangChain stores them.
    """

    text: str
    id: str = ""
    title: str = ""
    vector: str = ""
    document_id: str = ""
    metadata: str = ""


ROLES = tuple(field.name for field in fields(Fields))


def find_fields(
    store: str, given: Mapping[str, str], kinds: Mapping[str, FieldKind], *, schema: bool = False, own_ids: bool = False
) -> Fields:
    """Return the fields of a store.

    Args:
        store: The name of the store, for messages.
        given: The fields that the user names: role -> field.
        kinds: What the store's fields hold: field -> kind.
        schema: Whether `kinds` has every field of the store. Otherwise, a given field may be missing in it.
        own_ids: Whether the store has ids that its user chose. Then a field is the id only if it is given.

    Raises:
        InvalidInput: A given role or field is unknown, or no field is recognised as the text. The message lists the
            fields.
    """
    check_roles(given)
    if schema:
        for role, name in given.items():
            if name not in kinds:
                raise InvalidInput(
                    f"fields: {store} has no field {name!r} for {role}; {_listed(kinds)}", field="fields"
                )
    names = {role: given.get(role) or _usual(role, kinds) for role in ROLES}
    if own_ids:
        names["id"] = given.get("id", "")
    if not names["text"]:
        texts = [name for name, kind in kinds.items() if kind == "text" and name not in names.values()]
        if len(texts) != 1:
            raise InvalidInput(
                f"fields: the text of {store} is in no field with a usual name; {_listed(kinds)}. Give text=NAME",
                field="fields",
            )
        names["text"] = texts[0]
    return Fields(**names)


def check_roles(given: Mapping[str, str]) -> None:
    """Check that the user names roles that exist.

    Raises:
        InvalidInput: A role is unknown, or a name is empty.
    """
    for role, name in given.items():
        if role not in ROLES or not isinstance(name, str) or not name:
            raise InvalidInput(f"fields: {role} = {name!r} is not valid; name {', '.join(ROLES)}", field="fields")


def choose(role: str, names: Sequence[str], given: Mapping[str, str], store: str) -> str:
    """Return the name for a role among several, such as a vector among the vectors of a collection.

    Raises:
        InvalidInput: The given name is unknown, or nothing is given and no name is usual.
    """
    name = given.get(role)
    if name is not None and name not in names:
        raise InvalidInput(
            f"fields: {store} has no {role} {name!r}; it has {', '.join(map(repr, names))}", field="fields"
        )
    usual = next((usual for usual in USUAL[role] if usual in names), None)
    choice = name or usual or (names[0] if len(names) == 1 else None)
    if choice is None:
        raise InvalidInput(
            f"fields: {store} has the {role}s {', '.join(map(repr, names))}: give {role}=NAME",
            field="fields",
        )
    return choice


def kinds_of(records: Iterable[Mapping[str, Any]]) -> dict[str, FieldKind]:
    """Return what the fields of some rows hold. None says nothing about a field."""
    kinds: dict[str, FieldKind] = {}
    for record in records:
        for name, value in record.items():
            if value is not None:
                kinds.setdefault(name, kind_of(value))
    return kinds


def kind_of(value: object) -> FieldKind:
    """Return the kind of a value."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "other"
    if isinstance(value, int | float):
        return "number"
    return "object" if isinstance(value, Mapping) else "other"


def _usual(role: str, kinds: Mapping[str, FieldKind]) -> str:
    return next((name for name in USUAL[role] if kinds.get(name) in KINDS[role]), "")


def _listed(kinds: Mapping[str, FieldKind]) -> str:
    return f"its fields are {', '.join(kinds)}" if kinds else "it has no fields"
