"""Names without this host's folders: what an answer may show of a passage's id and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from shortlist.types import Field, Where


@dataclass(frozen=True, slots=True)
class Names:
    """`root` is the folder that all sources of an index lie in, with forward slashes; "" for none."""

    root: str = ""

    @classmethod
    def of(cls, sources: Iterable[str]) -> Names:
        """For an index made of these sources: their deepest common folder."""
        folders = [name.split("/")[:-1] for name in sources if _absolute(name)]
        if not folders:
            return cls()
        shared = folders[0]
        for other in folders[1:]:
            same = (mine == theirs for mine, theirs in zip(shared, other, strict=False))
            shared = shared[
                : next((place for place, alike in enumerate(same) if not alike), min(len(shared), len(other)))
            ]
        return cls("/".join(shared))

    def shown(self, name: str) -> str:
        """`name` below the root; only its last part where it is an absolute path elsewhere; else as it is."""
        if self.root and name.startswith(f"{self.root}/"):
            return name[len(self.root) + 1 :]
        return name.replace("\\", "/").rsplit("/", 1)[-1] if _absolute(name) else name

    def metadata(self, held: Mapping[str, Field]) -> dict[str, Field]:
        """A passage's metadata with its source as `shown`."""
        return {
            key: self.shown(value) if key == "source" and isinstance(value, str) else value
            for key, value in held.items()
        }

    def where(self, asked: Where | None) -> Where | None:
        """A filter as the index reads it: a "source" that was shown becomes the source that is meant."""
        if not asked or "source" not in asked or not self.root:
            return asked
        wanted: Any = asked["source"]
        many = [wanted] if not isinstance(wanted, list) else wanted
        return {**asked, "source": [*many, *(f"{self.root}/{one}" for one in many if isinstance(one, str))]}


def public_name(name: str) -> str:
    """A model's name without this host's folders."""
    return Names().shown(name)


def _absolute(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
