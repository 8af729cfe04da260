"""The language of a text, by its script and its function words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from shortlist.text.normal import normalised
from shortlist.text.terms.stop_words import stop_words

_READ = 1000
"""Characters of a text that are read. More change little."""

_LEAST_WORDS = 3
_LEAST_SHARE = 0.1
"""The fewest different function words, and their least share of all words. A text with fewer is a list, code, or in a
language that is unknown here."""

_LEAST_DIFFERENT = 0.08
_LEAST_WEIGHT = 0.8
"""The least share of the function words among the different words of a text, and the least sum of their weights.

Abbreviations of technical texts, such as "po", "ja" and "vi", are function words of some language. A text of that
language has many more of them, and longer ones. With these limits, 2 of 8,299 parts of English pages (/usr/share/doc of
Debian) have another language, and 38 without them. Of 6,000 messages in 30 languages, 3 % more are unknown.
"""

_LONG = 3
"""The length of a word that is no abbreviation."""

_COUNTED = 3
"""How often a word counts."""

_MANY = "english"
"""The language of names and technical terms in all languages. Its function words tell no other language."""

_FEWEST_TEXTS = 20
"""How many short texts are read together at least."""

_LEAST_LETTERS = 4
_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0903\u093a-\u094f]+[^\W\d_]*)*")
_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    "japanese": re.compile("[\u3041-\u30ff]"),
    "korean": re.compile("[\uac00-\ud7af]"),
    "chinese": re.compile("[\u3400-\u9fff]"),
    "thai": re.compile("[\u0e01-\u0e3a\u0e40-\u0e4e]"),
    "armenian": re.compile("[\u0531-\u0587]"),
    "tamil": re.compile("[\u0b80-\u0bff]"),
}
"""Languages that their script tells. Japanese text has ideographs, too, and it has kana that Chinese text lacks."""

_SCRIPT_SHARE = 0.3
_KANA_SHARE = 0.1

_LETTERS: Mapping[str, tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str] | None]] = {
    "greek": (re.compile("[\u0386-\u03ce]"), re.compile("[\u03ac-\u03af\u03cc-\u03ce\u03c2]"), None),
    "hebrew": (re.compile("[\u05d0-\u05ea]"), re.compile("[\u05d0-\u05ea]"), re.compile("[\u05f0-\u05f2]")),
    "russian": (
        re.compile("[\u0400-\u04ff]"),
        re.compile("[ыэё]"),
        re.compile("[^\u0401\u0410-\u044f\u0451\\W\\d_a-z]"),
    ),
    "ukrainian": (re.compile("[\u0400-\u04ff]"), re.compile("[їєґ]"), re.compile("[ыэъёў]")),
    "arabic": (re.compile("[\u0621-\u06d3]"), re.compile("[\u0629\u0649\u0625]"), re.compile("[\u066e-\u06d3]")),
}
"""Languages that letters tell in a text without function words: those of the script, and one that must be in the text,
and those that must not."""


def language_of(text: str) -> str:
    """Return the language of a text, or "" if it is unknown: a short text, a list, code, or another language.

    Source:
        Grefenstette, "Comparing two language identification schemes", 1995: counts of short words tell languages as
        well as n-grams do from about 15 words on.
    """
    text = normalised(text[:_READ])
    return _by_script(text) or _by_words(text) or _by_letters(text)


def language_of_most(texts: Iterable[str]) -> str:
    """Return the language of most of the words of the texts, or "" if it is unknown.

    Texts of an unknown language, such as short rows of a table, count as one text.
    """
    lengths: Counter[str] = Counter()
    unknown: list[str] = []
    for text in texts:
        language = language_of(text)
        lengths[language] += len(text[:_READ])
        if not language:
            unknown.append(text[: _READ // _FEWEST_TEXTS])
    lengths[language_of("\n".join(unknown))] += lengths.pop("", 0)
    del lengths[""]
    return max(sorted(lengths), key=lambda language: lengths[language], default="")


def _by_script(text: str) -> str:
    if text.isascii():
        return ""
    letters = sum(map(str.isalpha, text))
    if letters < _LEAST_LETTERS:
        return ""
    shares = {language: len(script.findall(text)) / letters for language, script in _SCRIPTS.items()}
    if shares["japanese"] + shares["chinese"] >= _SCRIPT_SHARE and shares["japanese"] >= _KANA_SHARE:
        return "japanese"
    language = max(shares, key=lambda name: shares[name])
    return language if shares[language] >= _SCRIPT_SHARE else ""


def _by_letters(text: str) -> str:
    """Return the language whose letters a text has, or "" if none is sure."""
    if text.isascii():
        return ""
    lower = text.lower()
    letters = sum(map(str.isalpha, lower))
    for language, (script, own, foreign) in _LETTERS.items():
        written = len(script.findall(lower))
        if written >= max(_LEAST_LETTERS, letters / 2) and own.search(lower):
            return language if foreign is None or not foreign.search(lower) else ""
    return ""


def _by_words(text: str) -> str:
    """Return the language with most function words. A word of n languages counts 1/n for each, at most three times.

    Single letters of the Latin script do not count: they are names of variables in code. Words that are also English,
    such as "do", "no" and "on", do not tell another language, so a text with no others has none.
    """
    languages = _languages_of_words()
    words = [word for word in _WORD.findall(text.lower()) if len(word) > 1 or not word.isascii()]
    scores: dict[str, float] = {}
    different = Counter(words)
    counts: Counter[str] = Counter()
    for word, count in different.items():
        known = languages.get(word, ())
        for language in known:
            scores[language] = scores.get(language, 0.0) + min(count, _COUNTED) / len(known)
            counts[language] += count
    if not scores:
        return ""
    language = max(sorted(scores), key=lambda name: (scores[name], name == _MANY))
    enough = counts[language] >= _LEAST_SHARE * len(words)
    return language if enough and _is_told(language, different) else ""


def _is_told(language: str, words: Collection[str]) -> bool:
    """Return whether the different words of a text are enough to tell its language."""
    languages = _languages_of_words()
    own = {word: known for word in words if language in (known := languages.get(word, ()))}
    own = {word: known for word, known in own.items() if language == _MANY or _MANY not in known}
    return (
        len(own) >= max(_LEAST_WORDS, _LEAST_DIFFERENT * len(words))
        and sum(1 / len(known) for known in own.values()) >= _LEAST_WEIGHT
        and any(len(word) >= _LONG or not word.isascii() for word in own)
    )


@cache
def _languages_of_words() -> Mapping[str, tuple[str, ...]]:
    languages: dict[str, list[str]] = {}
    for language, words in stop_words().items():
        for word in words:
            languages.setdefault(word, []).append(language)
    return {word: tuple(names) for word, names in languages.items()}
