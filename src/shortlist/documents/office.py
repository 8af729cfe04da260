"""Office files: zip archives of XML parts, within limits, in the Transitional form of the standard (ISO/IEC 29500)."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shortlist.documents.decoding import MEGABYTE
from shortlist.documents.source import Unreadable
from shortlist.types import Note

LARGEST_CONTENT = 1_000_000_000
"""The largest content of an archive when unpacked, in bytes."""

OLD_FORMAT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of an old office file (.doc, .xls, .ppt), and of an encrypted new one."""

_TYPES = "[Content_Types].xml"
_OTHER_TYPE = re.compile(
    rb"application/vnd\.(?:ms-word\.(?:document|template)\.macroEnabled(?:Template)?\.main|"
    rb"openxmlformats-officedocument\.wordprocessingml\.template\.main)\+xml"
)
_DOCUMENT_TYPE = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_STRICT = b"http://purl.oclc.org/ooxml/"
_STRICT_NAME = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/([\w/]+)")
_RENAMED = {b"extendedProperties": b"extended-properties", b"customProperties": b"custom-properties"}

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the readers of zip archives and of XML raise for a file with an unexpected structure, besides their own errors.
"""


@contextmanager
def errors(name: str) -> Iterator[None]:
    """Raise the errors of libraries for a damaged file as `Unreadable`. `name` is the format for the report."""
    from lxml.etree import LxmlError

    try:
        yield
    except Unreadable:
        raise
    except (LxmlError, *_BROKEN) as error:
        note = Note("broken", format=name, error=str(error) or type(error).__name__)
        raise Unreadable(note) from error


def checked_archive(data: bytes) -> zipfile.ZipFile:
    """Return the zip archive.

    Raises:
        Unreadable: The file is an old or encrypted office file, or its content is larger than `LARGEST_CONTENT`.
        BadZipFile: The file is no zip archive.
    """
    if data.startswith(OLD_FORMAT):
        raise Unreadable(Note("encrypted_or_old"))
    archive = zipfile.ZipFile(io.BytesIO(data))
    if sum(entry.file_size for entry in archive.infolist()) > LARGEST_CONTENT:
        raise Unreadable(Note("too_large", megabytes=LARGEST_CONTENT // MEGABYTE, unpacked=True))
    return archive


def transitional(data: bytes) -> bytes:
    """Return the office file as a document with the names of the Transitional form. Such a file is returned as it is.

    Programs that save the Strict form use other names for the same elements. Templates and documents with macros have
    another type.
    """
    with checked_archive(data) as archive:
        if _STRICT not in archive.read("_rels/.rels") and not _OTHER_TYPE.search(archive.read(_TYPES)):
            return data
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
            for entry in archive.infolist():
                part = archive.read(entry)
                if entry.filename.endswith((".xml", ".rels")):
                    part = _STRICT_NAME.sub(_name, part)
                if entry.filename == _TYPES:
                    part = _OTHER_TYPE.sub(_DOCUMENT_TYPE, part)
                copy.writestr(entry.filename, part)
        return out.getvalue()


def _name(match: re.Match[bytes]) -> bytes:
    name = _RENAMED.get(match[2], match[2])
    return b"http://schemas.openxmlformats.org/" + match[1] + b"/2006/" + name


def parse_xml(data: bytes) -> Any:
    """Return the root element of an XML part. Entities stay as they are, so that a small part cannot grow."""
    from lxml import etree

    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
