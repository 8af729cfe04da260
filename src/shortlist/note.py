"""`Note`: a fact as a code with values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

NoteValue: TypeAlias = "str | int | float | bool | list[str] | None"


@dataclass(frozen=True, slots=True, init=False)
class Note:
    """A fact: a code with values, as in `shortlist.search.notes`. `shortlist.wording.describe` returns its sentence."""

    code: str
    values: Mapping[str, NoteValue]

    def __init__(self, code: str, **values: NoteValue) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "values", values)

    def to_dict(self) -> dict[str, NoteValue]:
        """The note as a JSON object: "code" and each value under its name."""
        return {"code": self.code, **self.values}
