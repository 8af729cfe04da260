"""Names without this host's folders: what an answer may show of a passage's id and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from shortlist.types import Field, Where

SHOWN = frozenset({"source", "document_id"})
"""The fields of an answer that hold names of files."""


@dataclass(frozen=True, slots=True)
class Names:
    """`folders` hold all sources of an index that are files, with forward slashes; none where no source is.

    Names are shown below their folder. Of several folders, which then have no other in common than the top of the file
    system, each is shown by its number, "1/", "2/", in the order of their names.
    """

    folders: tuple[str, ...] = ()

    @classmethod
    def of(cls, sources: Iterable[str]) -> Names:
        """For an index made of these sources: their deepest common folder, or one for each at the top."""
        parents = [name.split("/")[:-1] for name in sources if _absolute(name)]
        if not parents:
            return cls()
        shared = _shared(parents)
        if shared and shared != [""]:
            return cls(("/".join(shared),))
        tops: dict[tuple[str, ...], list[list[str]]] = {}
        for parent in parents:
            tops.setdefault(tuple(parent[:2]), []).append(parent)
        return cls(tuple(sorted("/".join(_shared(alike)) for alike in tops.values())))

    def shown(self, name: str) -> str:
        """`name` below its folder; only its last part where it is an absolute path elsewhere; else as it is."""
        held = [(len(one), number) for number, one in enumerate(self.folders) if name.startswith(f"{one}/")]
        if held:
            length, number = max(held)
            return f"{self._label(number)}{name[length + 1 :]}"
        return name.replace("\\", "/").rsplit("/", 1)[-1] if _absolute(name) else name

    def meant(self, shown: str) -> list[str]:
        """The names that the index may hold for one that was shown."""
        meant = [
            f"{folder}/{shown.removeprefix(self._label(number))}"
            for number, folder in enumerate(self.folders)
            if shown.startswith(self._label(number))
        ]
        return [shown, *meant]

    def _label(self, number: int) -> str:
        return f"{number + 1}/" if len(self.folders) > 1 else ""

    def metadata(self, held: Mapping[str, Field]) -> dict[str, Field]:
        """A passage's metadata with its source as `shown`."""
        return {
            key: self.shown(value) if key == "source" and isinstance(value, str) else value
            for key, value in held.items()
        }

    def where(self, asked: Where | None) -> Where | None:
        """A filter as the index reads it: a source or document id that was shown becomes the one that is meant."""
        if not asked or not self.folders:
            return asked
        return {field: self._meant_values(held) if field in SHOWN else held for field, held in asked.items()}

    def _meant_values(self, wanted: Any) -> Any:
        many = wanted if isinstance(wanted, list) else [wanted]
        return [*many, *(name for one in many if isinstance(one, str) for name in self.meant(one)[1:])]


def public_name(name: str) -> str:
    """A model's name without this host's folders."""
    return Names().shown(name)


def _shared(parents: Sequence[list[str]]) -> list[str]:
    """What all of the paths begin with."""
    shared = parents[0]
    for other in parents[1:]:
        same = (mine == theirs for mine, theirs in zip(shared, other, strict=False))
        alike = next((place for place, equal in enumerate(same) if not equal), min(len(shared), len(other)))
        shared = shared[:alike]
    return shared


def _absolute(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
