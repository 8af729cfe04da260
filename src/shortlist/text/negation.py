"""Whether a query excludes something: it has words such as "without", "except" or "does not need".

A bare "not" does not count: "the printer is not found" states a symptom, and stage one finds its answer.
"""

from __future__ import annotations

import re

WORDS = """without except excluding exclude excludes avoid avoids avoiding lack lacks lacking non""".split()  # noqa: SIM905
PHRASES = ("instead of", "rather than", "other than", "free of", "no longer", "no need")
VERBS = "need|needs|require|use|have|contain|include|involve|depend|rely|want"
NEGATION = re.compile(
    rf"\b(?:{'|'.join((*WORDS, *PHRASES))})\b|(?:\bnot|n['\u2019]t) (?:{VERBS})\b",
    re.IGNORECASE,
)


def is_negated(query: str) -> bool:
    """Return whether the query excludes something, by English words and phrases."""
    return NEGATION.search(query) is not None
