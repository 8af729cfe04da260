"""Answers as JSON, made fast: the event loop waits while a large one is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi.responses import Response
from pydantic_core import to_json


class Json(Response):
    """A JSON answer, written by pydantic's serializer, which is several times as fast as the standard library's."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The content as UTF-8 JSON; bytes are taken as JSON already."""
        return content if isinstance(content, bytes) else to_json(content)


def array(items: Iterable[object]) -> bytes:
    """A JSON array, one item at a time: in a thread, others get their turn between items."""
    return b"[" + b",".join(to_json(item) for item in items) + b"]"
