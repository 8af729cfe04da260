"""Words such as "the" and "of", by language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def stop_words() -> Mapping[str, frozenset[str]]:
    """Return the stop words of each language that has a list, in lower case.

    The lists have function words alone: articles, pronouns, prepositions, conjunctions and auxiliary verbs. The English
    list is that of Snowball, without the single letters that are left of contractions.
    """
    text = files(__package__).joinpath("stop_words.json").read_text(encoding="utf-8")
    return {language: frozenset(words.split()) for language, words in json.loads(text).items()}
