"""The name of a store: `kind:COLLECTION@WHERE`, such as `chroma:notes@./chroma`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from shortlist.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """The kind of a store, its collection (table, index), and its folder, file or URL ("" if none is given)."""

    kind: str
    collection: str
    where: str = ""

    @property
    def is_url(self) -> bool:
        """Whether `where` is a URL, and not a path."""
        return "://" in self.where

    @property
    def name(self) -> str:
        """The name for messages and results. It has no password and no query of the URL, because both are secret."""
        where = _without_secrets(self.where) if self.is_url else self.where
        return f"{self.kind}:{self.collection}{'@' if where else ''}{where}"


def parse_address(text: str, example: str) -> StoreAddress:
    """Return the parts of `kind:COLLECTION@WHERE`. The kind becomes lower case. The first "@" ends the collection.

    Args:
        text: The name of the store.
        example: A valid name of this kind, for the error message.

    Raises:
        InvalidInput: The name lacks its kind or its collection.
    """
    kind, colon, rest = text.partition(":")
    collection, _, where = rest.partition("@")
    address = StoreAddress(kind.strip().lower(), collection.strip(), where.strip())
    if not colon or not address.kind or not address.collection:
        shown = address.name if colon else text
        raise InvalidInput(f"{shown!r} names no collection: write kind:COLLECTION@WHERE, such as {example}")
    return address


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return url.partition("://")[0] + "://..."
    return parts._replace(netloc=host, query="", fragment="").geturl()
