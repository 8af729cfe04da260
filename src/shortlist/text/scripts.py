"""Scripts without spaces between words."""

from __future__ import annotations

SCRIPTS_WITHOUT_SPACES = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Kana, CJK ideographs and Hangul, as ranges for a character class of a regular expression."""
