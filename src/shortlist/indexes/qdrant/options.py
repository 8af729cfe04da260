"""The options of an index on Qdrant: how its collections are made, and how they are searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from shortlist.errors import InvalidInput

FIELD = "index_options"


@dataclass(frozen=True, slots=True)
class QdrantOptions:
    """The options of an index; None for the server's own value.

    Args:
        shards: The number of parts of the collection. Only a new index can have it.
        replicas: The copies of each part. Only a new index can have it.
        write_consistency: The copies that must confirm a write, at most `replicas`. Only a new index can have it.
        exact: Compare the vector of the query with every passage. None: up to `index.EXACT_UP_TO` passages.
        ef: The size of the list of candidates in an approximate search: larger is slower and finds more.
        timeout: Seconds to wait for an answer.
    """

    shards: int | None = None
    replicas: int | None = None
    write_consistency: int | None = None
    exact: bool | None = None
    ef: int = 256
    timeout: int = 30

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> QdrantOptions:
        """Return the options with these values.

        Raises:
            InvalidInput: An unknown name, a bad value, or more confirmed copies than copies.
        """
        for name, value in given.items():
            if name not in CHECKS:
                raise InvalidInput(f"{FIELD}: {name!r} is unknown; the options are {', '.join(CHECKS)}", field=FIELD)
            holds, expected = CHECKS[name]
            if not holds(value):
                raise InvalidInput(f"{FIELD}: {name} must be {expected}, not {value!r:.80}", field=FIELD)
        options = cls(**given)
        if (options.write_consistency or 1) > (options.replicas or 1):
            raise InvalidInput(
                f"{FIELD}: write_consistency is {options.write_consistency}, and replicas is {options.replicas or 1}: "
                "no more copies can confirm a write than there are",
                field=FIELD,
            )
        return options

    @property
    def of_new(self) -> dict[str, int]:
        """The given options that only a new index can have."""
        given = {name: getattr(self, name) for name in ("shards", "replicas", "write_consistency")}
        return {name: value for name, value in given.items() if value is not None}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


COUNT = (_is_count, "a whole number of at least 1")
CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    field.name: (lambda value: isinstance(value, bool), "true or false") if field.name == "exact" else COUNT
    for field in fields(QdrantOptions)
}
