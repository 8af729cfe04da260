"""The names of rerankers on other machines: those of rerank services and of chat models."""

from __future__ import annotations

from shortlist.rerankers import chat, vendors
from shortlist.rerankers.hosted import key_of


def is_hosted(name: str) -> bool:
    """Return whether `name` is the name of a reranker on another machine, such as "cohere:rerank-v3.5"."""
    return vendors.is_hosted(name) or chat.is_chat(name)


def model_of(name: str) -> str:
    """Return the model in the name of a hosted reranker, or an empty string if the server has one model.

    Raises:
        InvalidInput: The name cannot be read.
    """
    return chat.parse(name).model if chat.is_chat(name) else vendors.parse(name).model


def check(name: str) -> None:
    """Check that a hosted reranker can be named so, and has its key. No request is sent.

    Raises:
        InvalidInput: The name lacks its model or its URL.
        HostedRefused: A needed key is missing, or cannot be sent.
    """
    if chat.is_chat(name):
        chat.parse(name).key()
    else:
        key_of(vendors.parse(name))
