"""Scripts without spaces between words."""

from __future__ import annotations

SCRIPTS_WITHOUT_SPACES = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Kana, CJK ideographs and Hangul, as ranges for a character class of a regular expression."""

BIGRAM_SCRIPTS = (
    SCRIPTS_WITHOUT_SPACES
    + "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3005\u3007\u3100-\u312f\u31a0-\u31bf"
    "\u31f0-\u31ff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\U00020000-\U0003ffff"
)
"""These, rarer ideographs, Bopomofo, Thai, Lao, Burmese and Khmer. BM25 reads pairs of their characters."""
