"""Values of a filter that have another form than numbers and dates of passages."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shortlist.search.filters.conditions import Predicate
from shortlist.search.filters.holding import orders_of
from shortlist.search.filters.moments import DATE, point_for_comma, span_of

COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


def hint_of(tests: Iterable[Predicate], stored: Iterable[object]) -> dict[str, str]:
    """Return what is wrong with the first value that passages never have, as values of a note; empty if nothing is.

    `stored` are some values of the field. "hint" is "no_date" for 2024-13, "compact_date" for 20240131, or
    "decimal_comma" for 3,5, and "written" is the value, in the right form if there is one.
    """
    kinds = {kind for content in stored for kind, _ in orders_of(content)}
    texts = [str(value).strip() for test in tests for value in test.values]
    return next((hint for text in texts for hint in _hints(text, kinds)), {})


def _hints(text: str, kinds: set[str]) -> Iterable[dict[str, str]]:
    if "moment" in kinds and DATE.fullmatch(text) and span_of(text) is None:
        yield {"hint": "no_date", "written": text}
    if "moment" in kinds and (match := COMPACT_DATE.fullmatch(text)) and span_of("-".join(match.groups())):
        yield {"hint": "compact_date", "written": "-".join(match.groups())}
    if "number" in kinds and (number := point_for_comma(text)):
        yield {"hint": "decimal_comma", "written": number}
