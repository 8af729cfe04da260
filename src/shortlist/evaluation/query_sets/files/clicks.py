"""Clicks as judgments: a table with the columns `query`, `id` and `clicks`, and perhaps `impressions`.

`id` names a passage or document. `clicks` counts the clicks on it for this query, and `impressions` how often the
answer showed it. Rows with the same query and id are added up. A row becomes a grade:

- Without clicks, the grade is 0: judged, and not relevant.
- Otherwise, the grade is 1 to 3 by the row's share of the query's best value: 1 below a third, 2 below two thirds, and
  3 from there on. The value is the number of clicks. With `impressions`, the value is the rate of clicks, as if each
  row had 10 more impressions with the rate of the whole table. A single click on a rarely shown row counts little.

Users click more on what is shown first. The grades do not correct this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shortlist.errors import InvalidInput

REQUIRED = frozenset({"query", "id", "clicks"})
COLUMNS = REQUIRED | {"impressions"}
PRIOR_IMPRESSIONS = 10
"""Impressions that are added to each row, with the rate of clicks of the whole table."""
LIMITS = (1 / 3, 2 / 3)
"""The shares of the query's best value from which on a grade is 2 and 3."""


class ClickTable:
    """The clicks and impressions of each query and id."""

    def __init__(self) -> None:
        self.queries: dict[str, str] = {}
        self._rows: dict[str, dict[str, tuple[int, int]]] = {}
        self._clicks = self._shown = 0

    def add(self, row: Mapping[str, str], place: str) -> None:
        """Add a row.

        Raises:
            InvalidInput: No query or id, a number that is no count, or more clicks than impressions.
        """
        query, key = (row.get(name, "").strip() for name in ("query", "id"))
        if not query or not key:
            raise InvalidInput(f"{place}: the {'id' if query else 'query'} is empty")
        clicks = _count(row.get("clicks", ""), "clicks", place)
        shown = _count(row["impressions"], "impressions", place) if "impressions" in row else 0
        if "impressions" in row and clicks > shown:
            raise InvalidInput(f"{place}: {clicks} clicks are more than {shown} impressions")
        self.queries.setdefault(query, place)
        rows = self._rows.setdefault(query, {})
        before = rows.get(key, (0, 0))
        rows[key] = (before[0] + clicks, before[1] + shown)
        self._clicks, self._shown = self._clicks + clicks, self._shown + shown

    def grades(self, query: str) -> dict[str, int]:
        """Return id -> grade for a query of the table."""
        rows = self._rows[query]
        values = {key: self._value(*row) if row[0] else 0.0 for key, row in rows.items()}
        best = max(values.values())
        return {key: _grade(value / best if best else 0.0) for key, value in values.items()}

    def _value(self, clicks: int, shown: int) -> float:
        if not shown:
            return float(clicks)
        rate = self._clicks / self._shown
        return (clicks + PRIOR_IMPRESSIONS * rate) / (shown + PRIOR_IMPRESSIONS)


def is_click_table(columns: Iterable[str]) -> bool:
    """Return whether these are the columns of a table of clicks."""
    return REQUIRED <= set(columns) <= COLUMNS


def _grade(share: float) -> int:
    return 0 if share <= 0 else 1 + sum(share >= limit for limit in LIMITS)


def _count(text: str, what: str, place: str) -> int:
    if not text.strip().isdecimal():
        raise InvalidInput(f"{place}: {what} is {text.strip()!r}: write a whole number of 0 or more")
    return int(text)
