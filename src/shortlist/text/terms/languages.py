"""The languages of BM25: their names, and what stems their words."""

from __future__ import annotations

from collections.abc import Callable

from shortlist.errors import InvalidInput

ENGLISH = "english"
NONE = "none"
"""No stemming and no stop words."""

STEMMED = {
    "ar": "arabic",
    "hy": "armenian",
    "eu": "basque",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "nl": "dutch",
    "en": "english",
    "eo": "esperanto",
    "et": "estonian",
    "fi": "finnish",
    "fr": "french",
    "de": "german",
    "el": "greek",
    "hi": "hindi",
    "hu": "hungarian",
    "id": "indonesian",
    "ga": "irish",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "no": "norwegian",
    "fa": "persian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "es": "spanish",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
"""ISO 639 codes and the Snowball stemmers."""

UNSTEMMED = {
    "bg": "bulgarian",
    "hr": "croatian",
    "he": "hebrew",
    "sk": "slovak",
    "uk": "ukrainian",
    "vi": "vietnamese",
    "zh": "chinese",
    "ja": "japanese",
    "ko": "korean",
    "th": "thai",
}
"""Languages without a stemmer. BM25 reads Chinese, Japanese, Korean and Thai in pairs of characters."""

_OTHER_SCRIPTS = frozenset(
    """
    arabic armenian bulgarian chinese greek hebrew hindi japanese korean nepali persian russian tamil thai ukrainian
    yiddish
    """.split()  # noqa: SIM905 - quotes and commas would hide the names
)
"""Languages whose words have no Latin letters. In their texts, words of ASCII letters are usually English."""

LANGUAGES = tuple(sorted({*STEMMED.values(), *UNSTEMMED.values()}))


def checked_language(name: str) -> str:
    """Return the name of a language. `name` is a name or an ISO 639 code, in any case, or "none".

    Raises:
        InvalidInput: The language is unknown. The message lists the names.
    """
    lower = name.strip().lower() if isinstance(name, str) else ""
    language = (STEMMED | UNSTEMMED).get(lower.split("-")[0], lower)
    if language not in (*LANGUAGES, NONE):
        raise InvalidInput(
            f"language {name!r} is unknown: give one of {', '.join(LANGUAGES)}, or none for no word forms",
            field="language",
        )
    return language


def has_english_words(language: str) -> bool:
    """Return whether words of ASCII letters in a text of this language are English words between its own."""
    return language in _OTHER_SCRIPTS


def stemmer(language: str) -> Callable[[str], str]:
    """Return the function that stems a word in lower case. Without a stemmer, it returns the word.

    The function must not run in two threads at the same time.

    Source:
        Snowball (https://snowballstem.org), through PyStemmer.
    """
    if language not in STEMMED.values():
        return str
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer(language, 0).stemWord
    return stem
