"""The encoding of a text: its byte order mark, its declaration, UTF-8, that of the user, or a guess.

The library chardet guesses. On 41 short texts in 25 encodings, chardet finds another text for 4, and charset-normalizer
for 16 (KOI8-R as Shift-JIS, short cp1252 as cp437). Only bytes that are not UTF-8 are given to it.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import NamedTuple

from shortlist.documents.central import CP1250, codec_of_central
from shortlist.documents.codec_names import codec_of
from shortlist.documents.rivals import rival_of
from shortlist.documents.source import Unreadable
from shortlist.documents.western import CODECS, codec_of_western, is_torn
from shortlist.types import Note

SAMPLE_BEFORE, SAMPLE_AFTER = 10_000, 60_000
"""The bytes before and after the first byte that is not UTF-8, from which the encoding is chosen."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-16-le", "utf-16-be")
_SEVEN_BIT = re.compile("iso2022_|hz$|utf-7$")
_ESCAPE = b"\x1b$"
_SHIFT_JIS = "cp932"
_EUC_JP = "euc_jp"
_KANA = re.compile("[\u3041-\u30ff]")
_HALF_WIDTH = re.compile("[\uff61-\uff9f\ufffd]")
_NOT_JAPANESE = re.compile("[^\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]")
_LEAST_KANA = 0.3
_MOST_NOISE = 0.02
_FEW = 8
_MANY = 20
_EAST_ASIAN = frozenset({"big5", "big5hkscs", "cp932", "cp949", "euc_jp", "euc_kr", "gb18030", "gbk", "shift_jis"})
_MOST_FIRSTS = 0.6
_LEAST_NULS = 0.25


class Encoding(NamedTuple):
    """The name of a codec, and whether the encoding is a guess."""

    name: str
    guessed: bool = False

    @property
    def errors(self) -> str:
        """The error handler: in UTF-8 each bad byte becomes a surrogate, which can be counted. Other codecs cannot."""
        return "surrogateescape" if self.name.startswith("utf-8") else "replace"

    def lost(self, text: str) -> int:
        """Return the number of replacements of the codec. The surrogates of UTF-8 are counted elsewhere."""
        return 0 if self.name.startswith("utf-8") else text.count("\ufffd")


UTF8 = Encoding("utf-8")


def of_mark(start: bytes) -> Encoding | None:
    """Return the encoding of a byte order mark, or None without one."""
    return next((Encoding(name) for mark, name in _MARKS if start.startswith(mark)), None)


def wide(sample: bytes, given: str = "") -> Encoding:
    """Return the encoding of a text with NUL bytes and no mark: UTF-16 in one of its byte orders.

    Raises:
        Unreadable: The bytes are not text.
    """
    if given.startswith(("utf-16", "utf-32")) and readable(sample, given):
        return Encoding(given)
    if name := _wide_name(sample):
        return Encoding(name, guessed=True)
    raise Unreadable(Note("not_text"))


def seven_bit(data: bytes, given: str) -> Encoding | None:
    """Return the encoding of a text that is UTF-8 by its bytes, and that escape sequences mark as Japanese or Chinese.

    `given` is the codec of the user.
    """
    if given and _SEVEN_BIT.match(given) and _strict(data, given) is not None:
        return Encoding(given)
    if _ESCAPE in data:
        name = codec_of(_detected(data[: SAMPLE_BEFORE + SAMPLE_AFTER]))
        if _SEVEN_BIT.match(name) and _strict(data, name) is not None:
            return Encoding(name, guessed=True)
    return None


def legacy(sample: bytes, given: str = "") -> Encoding:
    """Return the encoding of a text that is not UTF-8. `sample` is a part around its first byte that is not UTF-8.

    `given` is the codec of the user, which applies unless the text is UTF-8 with a few damaged bytes.

    Raises:
        Unreadable: The bytes are not text, or not in the encoding of the user.
    """
    text = sample.decode("utf-8", "surrogateescape")
    bad = sum("\ud800" <= character <= "\udfff" for character in text)
    good = sum(character > "\x7f" for character in text) - bad
    if good >= 2 * bad and not (good < _MANY * bad and _is_east_asian(sample)):
        return UTF8
    if given:
        if not readable(sample, given):
            raise Unreadable(Note("undecodable", encoding=given))
        return Encoding(given)
    name = codec_of(_detected(sample))
    if not name or not readable(sample, name):
        name = _wide_name(sample)
    if not name:
        raise Unreadable(Note("undecodable", encoding=""))
    return Encoding(name, guessed=True)


def _detected(sample: bytes) -> str:
    """Return the guess for a sample, or ""."""
    name = _guessed(sample)
    return rival_of(sample, codec_of(name)) or name


def _guessed(sample: bytes) -> str:
    """Return the guess of the library among the encodings of the web, corrected for short texts, or ""."""
    import chardet
    from chardet import EncodingEra

    name = chardet.detect(sample, encoding_era=EncodingEra.MODERN_WEB)["encoding"] or ""
    if _is_japanese(_decoded(sample, _SHIFT_JIS), _HALF_WIDTH):
        return _SHIFT_JIS
    codec = codec_of(name)
    if codec not in _EAST_ASIAN - {_EUC_JP, "gb18030"} and _is_japanese(_strict(sample, _EUC_JP) or "", _NOT_JAPANESE):
        return _EUC_JP
    readings = {each: _decoded(sample, each) for each in (*CODECS, codec) if each}
    if western := codec_of_western(readings, codec):
        return western
    if codec == CP1250 or (codec and is_torn(readings[codec])):
        return codec_of_central(sample)
    return name


def _is_east_asian(sample: bytes) -> bool:
    """Return whether a sample with few letters of ASCII is text in an encoding of China, Japan or Korea."""
    if len(re.findall(rb"[A-Za-z]", sample)) > len(sample) / 4:
        return False
    name = codec_of(_detected(sample))
    return name in _EAST_ASIAN and "\ufffd" not in _decoded(sample, name)


def _is_japanese(text: str, foreign: re.Pattern[str]) -> bool:
    """Return whether a text that is read in an encoding of Japan has kana, and no sign outside ASCII that is `foreign`.

    The library takes a few Japanese words for Cyrillic. Cyrillic that is read as Shift-JIS has half-width kana. In
    EUC-JP, only kana and Chinese characters are Japanese. The bytes of kana are no letters of Chinese in GB 18030.
    """
    outside = "".join(character for character in text if character > "\x7f")
    return len(_KANA.findall(outside)) >= _LEAST_KANA * max(1, len(outside)) and not foreign.search(outside)


def _wide_name(sample: bytes) -> str:
    """Return the byte order in which the sample is text in UTF-16, or "".

    Text has few different first bytes, because its characters are of few scripts. In the wrong order these are many,
    and in other bytes, too.
    """
    size = len(sample) // 2
    firsts = {name: len(set(sample[place : 2 * size : 2])) for name, place in zip(_WIDE, (1, 0), strict=True)}
    name = min(_WIDE, key=firsts.__getitem__)
    if size < _FEW or firsts[name] > _MOST_FIRSTS * size or _is_narrow(sample):
        return ""
    return "" if any(map(_is_noise, _decoded(sample[: 2 * size], name))) else name


def _is_narrow(sample: bytes) -> bool:
    """Return whether bytes are ASCII with a few NULs. Text of ASCII in UTF-16 has a NUL for each character."""
    return sample.isascii() and sample.count(0) < _LEAST_NULS * len(sample)


def _decoded(sample: bytes, name: str) -> str:
    """Return the text of a sample. A character that the end of the sample cuts is left out."""
    decoder = codecs.getincrementaldecoder(name)("replace")
    return decoder.decode(sample)


def _strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except ValueError:
        return None


def readable(sample: bytes, codec: str) -> bool:
    """Return whether a sample is text in an encoding: almost all of its bytes are characters of texts."""
    return _is_text(_decoded(sample, codec))


def _is_text(text: str) -> bool:
    """Return whether almost all characters are those of texts."""
    noise = sum(map(_is_noise, text))
    outside = sum(character > "\x7f" for character in text)
    return bool(text) and noise <= max(_MOST_NOISE * len(text), 0.1 * outside if outside > _FEW else 0)


def _is_noise(character: str) -> bool:
    """Return whether a character is unassigned, or a control of a terminal or a file format."""
    if character.isprintable() or character in "\t\n\r\f\x1b":
        return character == "\ufffd"
    return unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")
