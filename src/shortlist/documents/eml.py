"""Mails (.eml) and web pages that a browser saved as one file (.mhtml). Both are messages: RFC 5322, RFC 2557."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import parsedate_to_datetime

from shortlist.documents.decoding import clean, decode, guess_note, read_bytes
from shortlist.documents.html import Page, hidden_note, read_page
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.documents.titles import best_title
from shortlist.types import Document, Note

_SHOWN = ("From", "To", "Cc", "Date")
_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the email package raises for headers and bodies that are not as they should be."""

_MOST_PARTS = 1000
_TEXTS = ("text/plain", "text/html")


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the mail as one document, and the mails that are attached to it as documents of their own.

    The title is the subject. The text begins with the lines From, To, Cc and Date, which are metadata, too. Of a text
    in two forms, the plain one is read. Attachments with text (.txt, .html, ...) are part of the text; each other
    attachment is reported by its name.
    """
    message = _parsed(read_bytes(source.path))
    if not message.items():
        raise Unreadable(Note("broken", format=".eml", error="it has no header"))
    yield from _mail(source, message, "")


def read_archive(source: Source) -> Iterator[Record | Skipped]:
    """Yield the page of a web archive as one document. Pictures, style sheets and frames are left out and counted."""
    message = _parsed(read_bytes(source.path))
    parts = [part for part in message.walk() if not part.is_multipart()]
    pages = [part for part in parts if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    if not pages:
        raise Unreadable(Note("broken", format=".mhtml", error="it has no HTML part"))
    start = _header(message, "Content-Type").partition("start=")[2].strip("\"'<> ")
    first = next((page for page in pages if start and start in _header(page, "Content-ID")), pages[0])
    page = _page(first, source.options.encoding)
    fields = {"url": _header(first, "Content-Location") or _header(message, "Snapshot-Content-Location")}
    values = metadata(source, {name: text for name, text in fields.items() if text}, page.replaced)
    yield from guess_note(source, page.guessed)
    yield from hidden_note(source, page.hidden)
    yield Record("", Document(source.name, page.text, best_title(source, page.title, [page.heading]), values))
    if len(pages) > 1:
        note = Note("part_left_out", part="frames", count=len(pages) - 1, include="")
        yield Skipped(source.name, "", note)


def _parsed(data: bytes) -> Message:
    try:
        return message_from_bytes(data, EmailMessage, policy=SMTP)
    except _ERRORS as error:
        raise Unreadable(Note("broken", format="message", error=str(error) or type(error).__name__)) from error


def _mail(source: Source, message: Message, place: str) -> Iterator[Record | Skipped]:
    """Yield a mail, what could not be read in it, and the mails in it."""
    bodies, files, mails = _contents(message)
    blocks = ["\n".join(f"{name}: {text}" for name in _SHOWN if (text := _header(message, name)))]
    replaced = 0
    skipped: list[Skipped] = []
    for part in bodies:
        try:
            page = _text(part, source.options.encoding)
        except Unreadable as error:
            skipped.append(Skipped(source.name, _joined(place, _file_name(part)), error.note))
            continue
        name = _file_name(part) if part.get_content_disposition() == "attachment" else ""
        blocks.append(f"{name}\n\n{page.text}" if name else page.text)
        replaced += page.replaced
        where = _joined(place, _file_name(part)) if place or name else ""
        skipped += [*guess_note(source, page.guessed, where), *hidden_note(source, page.hidden, where)]
    if len(blocks) > 1 or blocks[0]:
        title = _header(message, "Subject") or source.path.stem
        key = f"{source.name}#{place.replace(' ', '=')}" if place else source.name
        text, lost = clean("\n\n".join(block.strip() for block in blocks if block.strip()))
        yield Record(place, Document(key, text, title, metadata(source, _fields(message), replaced + lost)))
    yield from skipped
    for part in files:
        note = Note("attachment", name=_file_name(part), type=part.get_content_type())
        yield Skipped(source.name, _joined(place, _file_name(part)), note)
    for number, mail in enumerate(mails, start=1):
        yield from _mail(source, mail, f"{place}.{number}" if place else f"mail {number}")


def _joined(place: str, name: str) -> str:
    return f"{place}, {name}" if place and name else place or name or "a part without a name"


def _contents(message: Message) -> tuple[list[Message], list[Message], list[Message]]:
    """Return the texts of a mail, its other attachments, and the mails in it."""
    bodies: list[Message] = []
    files: list[Message] = []
    mails: list[Message] = []
    waiting = [message]
    seen = 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if seen > _MOST_PARTS:
            raise Unreadable(Note("broken", format=".eml", error=f"it has over {_MOST_PARTS} parts"))
        kind = part.get_content_type()
        inner = part.get_payload()
        if kind == "message/rfc822" and isinstance(inner, list):
            mails += [item for item in inner if isinstance(item, Message)]
        elif kind == "multipart/alternative" and isinstance(inner, list):
            waiting += _best(inner)
        elif isinstance(inner, list):
            waiting += [item for item in reversed(inner) if isinstance(item, Message)]
        elif kind in _TEXTS or (part.get_content_maintype() == "text" and kind != "text/calendar"):
            bodies.append(part)
        else:
            files.append(part)
    return bodies, files, mails


def _best(parts: Sequence[object]) -> list[Message]:
    """Return the plain form of a text, or else its HTML form, or else all parts."""
    for kind in _TEXTS:
        plain = [part for part in parts if isinstance(part, Message) and part.get_content_type() == kind]
        if any(part.get_payload(decode=True) for part in plain):
            return plain
    return [part for part in reversed(parts) if isinstance(part, Message)]


def _text(part: Message, given: str) -> Page:
    if part.get_content_type() == "text/html":
        return _page(part, given)
    return Page("", *decode(_bytes(part), part.get_content_charset(), given))


def _page(part: Message, given: str) -> Page:
    return read_page(_bytes(part), part.get_content_charset(), given)


def _bytes(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except _ERRORS as error:
        raise Unreadable(Note("broken", format="message", error=str(error) or type(error).__name__)) from error
    return content if isinstance(content, bytes) else b""


def _header(message: Message, name: str) -> str:
    """Return a header as one line of text, or "" if it is missing or broken."""
    try:
        return clean(" ".join(str(message.get(name, "")).split()))[0]
    except _ERRORS:
        return ""


def _file_name(part: Message) -> str:
    try:
        return clean(re.sub(r"\s+", " ", part.get_filename() or ""))[0]
    except _ERRORS:
        return ""


def _fields(message: Message) -> dict[str, object]:
    """Return the metadata of a mail. The date is in the form of ISO 8601, if it can be read."""
    fields: dict[str, object] = {name.lower(): _header(message, name) for name in _SHOWN}
    fields["message_id"] = _header(message, "Message-ID")
    try:
        fields["date"] = parsedate_to_datetime(str(fields["date"])).isoformat()
    except (*_ERRORS, OverflowError):
        pass
    return {name: text for name, text in fields.items() if text}
