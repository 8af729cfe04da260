"""The check that an object of the user is an encoder."""

from __future__ import annotations

from typing import Any, cast

from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder


def checked_encoder(encoder: Any, name: str) -> Encoder:
    """Return the encoder. `name` is its name in the error message.

    Raises:
        InvalidInput: The encoder lacks a method or an attribute of `protocols.Encoder`.
    """
    methods = all(callable(getattr(encoder, method, None)) for method in ("encode_queries", "encode_passages"))
    dimension = getattr(encoder, "dimension", None)
    if not methods or not isinstance(getattr(encoder, "name", None), str) or not isinstance(dimension, int):
        raise InvalidInput(
            f"{name} is {encoder!r:.80}: an encoder has the methods encode_queries and encode_passages, a name, and a "
            "dimension"
        )
    return cast("Encoder", encoder)
