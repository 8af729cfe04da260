"""Names without the folders of this machine: what an answer may show of ids, sources and messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from shortlist.types import Field, Note, Passage, Ranking, Where

FILE_FIELDS = frozenset({"source", "document_id"})
"""The fields of an answer that hold names of files."""

PUBLIC_ERRORS = frozenset({"InvalidInput", "QueryTooLong", "QueueFull"})
"""The errors of a reranker whose messages quote nothing but the request."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that answers show for the sources of one index.

    `folders` contain all sources that are files, written with forward slashes; no folders if no source is a file. A
    name is shown below its folder. Several folders have only the top of the file system in common. Each of them is
    shown by its number, "1/", "2/", in the order of their names. `index_folder` is the folder of the index, which
    messages may name.

    `parts` are the names of several collections by the names of these. The name of a source then begins with the name
    of its collection and a colon.
    """

    folders: tuple[str, ...] = ()
    index_folder: str = ""
    parts: Mapping[str, Names] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Iterable[str], index_folder: str = "") -> Names:
        """Return the names of an index with these sources.

        The folder is the deepest one that contains all sources. If that is the top of the file system, each folder at
        the top gives one.
        """
        parents = [name.split("/")[:-1] for name in sources if _is_absolute(name)]
        if not parents:
            return cls((), index_folder)
        shared = _shared(parents)
        if shared and shared != [""]:
            return cls(("/".join(shared),), index_folder)
        tops: dict[tuple[str, ...], list[list[str]]] = {}
        for parent in parents:
            tops.setdefault(tuple(parent[:2]), []).append(parent)
        return cls(tuple(sorted("/".join(_shared(group)) for group in tops.values())), index_folder)

    def shown(self, name: str) -> str:
        """Return `name` below its folder, or the last part of an absolute path elsewhere. Other names stay."""
        part, colon, rest = name.partition(":")
        if colon and part in self.parts:
            return f"{part}:{self.parts[part].shown(rest)}"
        matches = [(len(folder), number) for number, folder in enumerate(self.folders) if name.startswith(f"{folder}/")]
        if matches:
            length, number = max(matches)
            return f"{self._label(number)}{name[length + 1 :]}"
        return name.replace("\\", "/").rsplit("/", 1)[-1] if _is_absolute(name) else name

    def originals(self, shown: str) -> list[str]:
        """Return the names in the index that may be shown as `shown`."""
        part, colon, rest = shown.partition(":")
        if colon and part in self.parts:
            return [f"{part}:{name}" for name in self.parts[part].originals(rest)]
        if self.parts:
            return list(
                dict.fromkeys([shown, *(name for each in self.parts.values() for name in each.originals(shown))])
            )
        below = [
            f"{folder}/{shown.removeprefix(self._label(number))}"
            for number, folder in enumerate(self.folders)
            if shown.startswith(self._label(number))
        ]
        return [shown, *below]

    def ranking(self, ranking: Ranking) -> Ranking:
        """Return the ranking with the ids, sources and notes that an answer may show."""
        hits = tuple(
            replace(hit, passage=self.passage(hit.passage), duplicates=tuple(map(self.shown, hit.duplicates)))
            for hit in ranking.hits
        )
        return replace(ranking, hits=hits, notes=tuple(map(self.note, ranking.notes)))

    def note(self, note: Note) -> Note:
        """Return the note without folders, and without the message of an error that may quote a passage or a path."""
        values = dict(note.values)
        if isinstance(values.get("reranker"), str):
            values["reranker"] = public_name(str(values["reranker"]))
        if note.code == "rerank_failed" and values.get("error") not in PUBLIC_ERRORS:
            values["message"] = "the log of the server has the details"
        if note.code == "filter_unknown_value" and values["field"] in FILE_FIELDS:
            listed = values["values"]
            values["values"] = [self.shown(value) for value in listed] if isinstance(listed, list) else listed
        return Note(note.code, **values)

    def where(self, where: Where | None) -> Where | None:
        """Return the filter for the index: a source or document id that was shown also finds its original."""
        if not where or not (self.folders or self.parts):
            return where
        return {
            field: self._original_content(content) if field in FILE_FIELDS else content
            for field, content in where.items()
        }

    def message(self, text: str) -> str:
        """Return the text with the name of the index folder in place of its path, and without the path of its files."""
        for part in self.parts.values():
            text = part.message(text)
        folder = self.index_folder.rstrip("\\/")
        if not folder:
            return text
        return re.sub(re.escape(folder) + r"[\\/]", "", text).replace(folder, re.split(r"[\\/]", folder)[-1])

    def _label(self, number: int) -> str:
        return f"{number + 1}/" if len(self.folders) > 1 else ""

    def passage(self, passage: Passage) -> Passage:
        """Return the passage with the ids and the source that an answer may show."""
        return replace(
            passage,
            id=self.shown(passage.id),
            document_id=self.shown(passage.document_id),
            metadata=self._metadata(passage.metadata),
        )

    def _metadata(self, metadata: Mapping[str, Field]) -> dict[str, Field]:
        return {
            name: self.shown(value) if name == "source" and isinstance(value, str) else value
            for name, value in metadata.items()
        }

    def _original_content(self, content: Any) -> Any:
        if isinstance(content, Mapping):
            return {operator: self._original_values(value) for operator, value in content.items()}
        return self._original_values(content)

    def _original_values(self, value: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        return [*values, *(name for item in values if isinstance(item, str) for name in self.originals(item)[1:])]


def unknown_passage(shown: str, names: Names) -> str:
    """Return the message about an id that names no passage. With several collections, the message has their form.

    No collection is named, because the key of a request may not search it.
    """
    if not names.parts:
        return f"there is no passage {shown!r}: use the id of a hit of a search"
    return (
        f"there is no passage {shown!r}: with several collections, an id is COLLECTION:ID, such as 'notes:a.md#0'; "
        "a hit of a search has its whole id"
    )


def public_name(name: str) -> str:
    """Return a model's name without the folders of this machine: "colbert:/models/x" becomes "colbert:x"."""
    kind, colon, folder = name.partition(":")
    if colon and len(kind) > 1 and _is_absolute(folder):
        return f"{kind}:{Names().shown(folder)}"
    return Names().shown(name)


def without_secrets(name: str) -> str:
    """Return the name of a store without the user, the password and the query of its URL. Other names stay."""
    before, scheme, url = name.partition("://")
    if not scheme:
        return name
    address = re.split(r"[?#]", url, maxsplit=1)[0]
    host, slash, path = address.partition("/")
    return f"{before}{scheme}{host.rpartition('@')[2]}{slash}{path}"


def _shared(parents: Sequence[list[str]]) -> list[str]:
    """Return the parts that all paths start with."""
    shared = parents[0]
    for parent in parents[1:]:
        equal = [first == second for first, second in zip(shared, parent, strict=False)]
        shared = shared[: equal.index(False) if False in equal else len(equal)]
    return shared


def _is_absolute(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
