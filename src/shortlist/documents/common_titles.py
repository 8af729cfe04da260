"""The title that all files of a folder have: the name of a site, a template or a series, and of none of the files."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path

from shortlist.documents import html, pdf
from shortlist.documents.source import Source, Unreadable

_FEWEST, _MOST = 3, 5
"""The fewest files that can have a common title, and the most that are looked at."""

_LARGEST_PROPERTIES = 100_000
_PROPERTY = re.compile(rb"<dc:title[^<>]*>([^<]*)<")


def with_common_titles(sources: Sequence[Source], is_hidden: Callable[[str], bool]) -> list[Source]:
    """Return the sources with their `common_title`. Some files of each folder are opened, whichever are sources.

    `is_hidden` tells from the name of a file whether it is left out.
    """
    known: dict[tuple[Path, str], str] = {}
    out = []
    for source in sources:
        if source.format in _TITLES:
            key = (source.path.parent, source.path.suffix)
            if key not in known:
                known[key] = _common(*key, source.format, is_hidden)
            source = replace(source, common_title=known[key]) if known[key] else source
        out.append(source)
    return out


def _common(folder: Path, suffix: str, form: str, is_hidden: Callable[[str], bool]) -> str:
    """Return the title of all files of a folder with this extension, or "" if they differ or are few."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(suffix) and not is_hidden(name))
    except OSError:
        return ""
    if len(names) < _FEWEST:
        return ""
    count = min(_MOST, len(names))
    places = [place * (len(names) - 1) // (count - 1) for place in range(count)]
    first = _title(folder / names[0], form)
    return first if first and all(_title(folder / names[place], form) == first for place in places[1:]) else ""


def _title(path: Path, form: str) -> str:
    try:
        return _TITLES[form](path)
    except (OSError, Unreadable):
        return ""


def _word_title(path: Path) -> str:
    """Return the title in the properties of a Word file, or ""."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("docProps/core.xml") as file:
            words = _PROPERTY.search(file.read(_LARGEST_PROPERTIES))
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError, ValueError, EOFError):
        return ""
    return " ".join(unescape(words[1].decode("utf-8", "replace")).split()) if words else ""


_TITLES: Mapping[str, Callable[[Path], str]] = {"html": html.own_title, "pdf": pdf.own_title, "docx": _word_title}
