"""The wire format of protocol buffers, as far as ONNX files need it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
"""The wire types of fields."""


class Field(NamedTuple):
    """One field of a message. `value` is the integer of a varint, or the content. `raw` is the whole field."""

    number: int
    value: int | bytes
    raw: bytes

    @property
    def content(self) -> bytes:
        """The content of a field that is no varint; empty for a varint."""
        return self.value if isinstance(self.value, bytes) else b""

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode()


def fields(message: bytes) -> Iterator[Field]:
    """Yield the fields of a message in order.

    Raises:
        ValueError: The message is cut, or has a wire type that ONNX does not use.
    """
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        kind = key & 7
        value: int | bytes
        if kind == VARINT:
            value, at = _read_varint(message, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES, LENGTH):
            size = {EIGHT_BYTES: 8, FOUR_BYTES: 4}.get(kind)
            if size is None:
                size, at = _read_varint(message, at)
            value, at = message[at : at + size], at + size
        else:
            raise ValueError(f"wire type {kind} at byte {start}")
        if at > len(message):
            raise ValueError(f"the message ends inside the field at byte {start}")
        yield Field(key >> 3, value, message[start:at])


def field_of_bytes(number: int, content: bytes) -> bytes:
    """Return a field with bytes, a text or a message."""
    return _varint(number << 3 | LENGTH) + _varint(len(content)) + content


def field_of_integer(number: int, value: int) -> bytes:
    """Return a field with an integer of 0 or more."""
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("the message ends inside a number")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
