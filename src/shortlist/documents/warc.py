"""Web archives (.warc, .warc.gz): one document per page. The format is ISO 28500."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from shortlist.documents.decoding import LARGEST_FILE, MEGABYTE, decode, guess_note
from shortlist.documents.html import hidden_note, read_page
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.errors import MissingExtra
from shortlist.types import Document, Note

_PAGES = ("text/html", "application/xhtml+xml")
_PLAIN = ("text/plain", "text/markdown")
_OK = "200"


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per answer with a page or a plain text, in the order of the archive.

    The metadata has "url" and "date". Answers with an error or a redirection are left out. Other content, such as
    pictures, is counted by its type. Needs the extra "files".
    """
    try:
        from warcio.archiveiterator import ArchiveIterator
        from warcio.exceptions import ArchiveLoadFailed
    except ImportError as error:
        raise MissingExtra("reading web archives", "files") from error
    left: Counter[str] = Counter()
    number, reported = 0, False
    with source.path.open("rb") as file:
        records = iter(ArchiveIterator(file))
        while True:
            items: list[Record | Skipped]
            try:
                record = next(records, None)
                if record is None:
                    break
                number += 1
                items = _answer(source, record, number, left)
            except Unreadable as error:
                items = [Skipped(source.name, f"record {number}", error.note)]
            except (ArchiveLoadFailed, ValueError, LookupError, OSError, EOFError, AttributeError, TypeError) as error:
                note = Note("broken", format=".warc", error=str(error) or type(error).__name__)
                yield Skipped(source.name, f"record {number + 1}" if number else "", note)
                return
            reported = reported or bool(items)
            yield from items
    for kind, count in left.items():
        yield Skipped(source.name, "", Note("part_left_out", part=f"answers of type {kind}", count=count, include=""))
    if not (reported or left):
        yield Skipped(source.name, "", Note("empty"))


def _answer(source: Source, record: Any, number: int, left: Counter[str]) -> list[Record | Skipped]:
    """Return the document of a record and what to report of it, or nothing if the record has none."""
    if record.rec_type not in ("response", "resource"):
        return []
    http = record.http_headers
    if http is not None and http.get_statuscode() != _OK:
        return []
    kind = (http.get_header("Content-Type") if http else record.rec_headers.get_header("Content-Type")) or ""
    name, _, parameters = kind.partition(";")
    name = name.strip().lower()
    if name not in (*_PAGES, *_PLAIN):
        left[name or "unknown"] += 1
        return []
    data = record.content_stream().read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise Unreadable(Note("too_large", megabytes=LARGEST_FILE // MEGABYTE, unpacked=True))
    charset = parameters.partition("charset=")[2].split(";")[0].strip("\"' ") or None
    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    fields = {"url": url or None, "date": record.rec_headers.get_header("WARC-Date")}
    if name in _PLAIN:
        text, replaced, guessed = decode(data, charset, source.options.encoding)
        title, hidden = "", 0
    else:
        title, text, replaced, guessed, _, hidden = read_page(data, charset, source.options.encoding)
    key = f"{source.name}#record={number}"
    place = f"record {number}"
    document = Document(key, text, title or url, metadata(source, fields, replaced))
    notes = [*guess_note(source, guessed, place), *hidden_note(source, hidden, place)]
    return [*notes, Record(place, document)]
