"""Whether a query excludes something: it has a word such as "not", "without" or "except"."""

from __future__ import annotations

import re

WORDS = """not no never without cannot nor neither none nothing nobody except excluding exclude excludes unless avoid
avoids avoiding lack lacks lacking instead rather only non""".split()  # noqa: SIM905 - quotes would hide the words
NEGATION = re.compile(rf"\b(?:{'|'.join(WORDS)}|other than|free of)\b|n['\u2019]t\b", re.IGNORECASE)


def is_negated(query: str) -> bool:
    """Return whether the query has a word or an ending of negation or exclusion. The words are English."""
    return NEGATION.search(query) is not None
