# ruff: noqa: RUF001
"""Characters of the fonts Symbol and Wingdings, which have their own numbers: F061 of Symbol is alpha."""

from __future__ import annotations

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_\u203eαβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
)  # fmt: skip
_SYMBOL_ABOVE = (
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…\u23d0\u23afↆℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑"
)  # fmt: skip
_WINGDINGS = {
    0x4A: "☺",
    0x4B: "\U0001f610",
    0x4C: "☹",
    0x28: "☎",
    0x2A: "✉",
    0x6C: "●",
    0x6E: "■",
    0x6F: "☐",
    0x71: "❑",
    0x72: "❒",
    0x75: "◆",
    0x76: "❖",
    0x77: "⬥",
    0x9F: "•",
    0xA1: "○",
    0xA7: "▪",
    0xA8: "☐",
    0xD8: "➢",
    0xDF: "←",
    0xE0: "→",
    0xE1: "↑",
    0xE2: "↓",
    0xE8: "➔",
    0xF0: "⇨",
    0xFB: "✗",
    0xFC: "✓",
    0xFD: "☒",
    0xFE: "☑",
}
_FONTS = {
    "symbol": {**dict(enumerate(_SYMBOL, 0x20)), **dict(enumerate(_SYMBOL_ABOVE, 0xA0))},
    "wingdings": _WINGDINGS,
}
_FIRST, _LAST = 0xF000, 0xF0FF


def symbol(font: str, code: str) -> str:
    """Return a character of a font, by its number in hexadecimal digits, or "" if it has no known meaning."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    known = _FONTS.get(font.lower())
    if known is not None:
        return known.get(number - _FIRST if number >= _FIRST else number, "")
    return chr(number) if 0x20 < number < 0xD800 else ""


def with_symbols(text: str, font: str = "") -> str:
    """Return a text in which characters of Symbol and Wingdings are those of Unicode.

    Programs write them in the private area F000 to F0FF. Without one of these fonts, such a bullet is a bullet.
    """
    if not any(_FIRST <= ord(character) <= _LAST for character in text):
        return text
    names = _FONTS.get(font.lower(), {0xB7: "•", 0xA7: "▪", 0xD8: "➢", 0xFC: "✓"})
    return "".join(
        names.get(ord(character) - _FIRST, character) if _FIRST <= ord(character) <= _LAST else character
        for character in text
    )
