"""What determines the passages of a document: versions, settings and content, as marks that the ledger stores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from shortlist.documents import Source, fingerprint
from shortlist.documents.formats import EXTENSIONS, extension_of
from shortlist.text import Splitter
from shortlist.types import Document, Passage

READERS = "read-12"
SPLITTER = "split-7"
"""Versions of the readers and of the splitter. A new version makes the next run read unchanged files again."""

_FORMAT = " format="


def settings_of(splitter: Splitter) -> str:
    """Return everything of the splitter that determines passages."""
    return f"{SPLITTER} limit={splitter.limit}"


def mark_of(source: Source, settings: str) -> str:
    """Return what the ledger records of a source that was read to its end.

    The mark names the format if the file name does not, as for a BEIR folder.

    Raises:
        OSError: The file cannot be read.
    """
    own = source.format != EXTENSIONS.get(extension_of(source.name))
    named = f"{_FORMAT}{source.format}" if own else ""
    return f"{fingerprint(source)} {READERS}{source.options.marks(source.format)} {settings}{named}"


def format_in(mark: str) -> str:
    """Return the format that a mark names, or ""."""
    return mark.partition(_FORMAT)[2]


def digest_of(document: Document, settings: str) -> str:
    """Return a hash of everything that determines a document's passages, the splitter's settings included."""
    content = json.dumps([settings, document.title, document.text, dict(document.metadata)], sort_keys=True)
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def over_window(passages: Sequence[Passage], splitter: Splitter) -> int:
    """Return the number of passages that are longer than the limit of the splitter."""
    return sum(splitter.count_tokens(passage.content) > splitter.limit for passage in passages)
