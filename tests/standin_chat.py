"""A chat model on loopback, which orders the passages of a prompt by `standin_vendor.worth`."""

from __future__ import annotations

import re
from typing import Any

from standin_vendor import worth

PASSAGE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
QUERY = re.compile(r"^Search query: (.*)$", re.MULTILINE)


def asked(body: dict[str, Any]) -> tuple[str, list[str]]:
    """The query and the passages of a prompt."""
    prompt = body["messages"][-1]["content"]
    query = QUERY.search(prompt)
    assert query is not None
    return query[1], [text for _, text in PASSAGE.findall(prompt)]


def ordering(body: dict[str, Any]) -> str:
    """The passages of a prompt, best first, in the requested form."""
    query, texts = asked(body)
    best = sorted(range(len(texts)), key=lambda place: -worth(query, texts[place]))
    return " > ".join(f"[{place + 1}]" for place in best)


def completion(content: str | None) -> dict[str, Any]:
    """An answer of the API: 100 prompt tokens and 10 completion tokens."""
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return {"object": "chat.completion", "choices": [{"index": 0, "message": message}], "usage": usage}


def chat(body: dict[str, Any]) -> dict[str, Any]:
    """The answer of a model that follows the prompt."""
    return completion(ordering(body))
