"""What determines the passages of a document: versions, settings and content, as marks that the ledger stores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from shortlist.text import Splitter
from shortlist.types import Document, Passage

READERS = "read-11"
SPLITTER = "split-7"
"""Versions of the readers and of the splitter. A new version makes the next run read unchanged files again."""


def settings_of(splitter: Splitter) -> str:
    """Return everything of the splitter that determines passages."""
    return f"{SPLITTER} limit={splitter.limit}"


def digest_of(document: Document, settings: str) -> str:
    """Return a hash of everything that determines a document's passages, the splitter's settings included."""
    content = json.dumps([settings, document.title, document.text, dict(document.metadata)], sort_keys=True)
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def over_window(passages: Sequence[Passage], splitter: Splitter) -> int:
    """Return the number of passages that are longer than the limit of the splitter."""
    return sum(splitter.count_tokens(passage.content) > splitter.limit for passage in passages)
