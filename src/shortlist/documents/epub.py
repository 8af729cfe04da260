"""Electronic books (EPUB): one document per part of the book, such as a chapter."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from shortlist.documents.decoding import LARGEST_FILE, MEGABYTE, clean, guess_note, read_bytes
from shortlist.documents.html import hidden_note, read_page
from shortlist.documents.metadata import metadata
from shortlist.documents.office import checked_archive, errors, parse_xml
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.documents.titles import best_title
from shortlist.types import Document, Note

_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Methods that only make fonts unusable outside the book."""


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per part in the order of reading. The metadata field "part" counts from 1.

    The title is that of the book, and the headings of a part follow it in the titles of passages. Tables of contents
    (<nav>) are left out, as in HTML. The metadata has "author" and "language" if the book names them.
    """
    data = read_bytes(source.path)
    with errors("EPUB"), checked_archive(data) as archive:
        package, folder = _package(archive)
        if _is_locked(archive):
            raise Unreadable(Note("encrypted"))
        parts = list(_parts(package, folder))
        title = best_title(source, _first(package, "title"))
        about = {"author": _first(package, "creator"), "language": _first(package, "language")}
    if not parts:
        yield Skipped(source.name, "", Note("empty"))
    with checked_archive(data) as archive:
        for number, name in enumerate(parts, start=1):
            place = f"part {number}"
            try:
                with errors("EPUB"):
                    page = read_page(_content(archive, name), given=source.options.encoding)
            except Unreadable as error:
                yield Skipped(source.name, place, error.note)
                continue
            fields = {"part": number, **{field: words for field, words in about.items() if words}}
            document = Document(
                f"{source.name}#part={number}", page.text, title, metadata(source, fields, page.replaced)
            )
            yield from guess_note(source, page.guessed, place)
            yield from hidden_note(source, page.hidden, place)
            yield Record(place, document)


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST_FILE:
        raise Unreadable(Note("too_large", megabytes=LARGEST_FILE // MEGABYTE, unpacked=True))
    return archive.read(name)


def _package(archive: zipfile.ZipFile) -> tuple[Any, str]:
    """Return the root of the package document, and its folder."""
    container = parse_xml(_content(archive, "META-INF/container.xml"))
    name = next(node.get("full-path") for node in container.iter("{*}rootfile"))
    return parse_xml(_content(archive, name)), posixpath.dirname(name)


def _is_locked(archive: zipfile.ZipFile) -> bool:
    """Return whether a method other than those for fonts encrypts the book."""
    name = "META-INF/encryption.xml"
    if name not in archive.namelist():
        return False
    methods = parse_xml(_content(archive, name)).iter("{http://www.w3.org/2001/04/xmlenc#}EncryptionMethod")
    return any(method.get("Algorithm") not in _FONTS for method in methods)


def _parts(package: Any, folder: str) -> Iterator[str]:
    """Yield the names of the pages in the archive, in the order of reading."""
    items = {item.get("id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is not None and item.get("media-type") in _PAGES:
            yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))


def _first(package: Any, name: str) -> str:
    """Return the first value of a field of the book, or ""."""
    for node in package.iter(f"{{http://purl.org/dc/elements/1.1/}}{name}"):
        words = " ".join("".join(node.itertext()).split())
        if words:
            return clean(words)[0]
    return ""
