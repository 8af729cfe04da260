"""A server on loopback over fakes, for the vendors' clients. It prints its port, and ends when its stdin closes."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Sequence

import uvicorn

from inline_scorer import InlineScorer
from shortlist.encoders.hashed import HashedEncoder
from shortlist.server.app import create_app
from shortlist.server.components import Components


class SharedWords:
    """Scores a text by the share of query words in it, minus a half: a logit of either sign."""

    name = "words"
    pointwise = True

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        words = set(query.lower().split())
        return [len(words & set(text.lower().split())) / len(words) - 0.5 for text in texts]


def leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=leave_with_parent, daemon=True).start()
    app = create_app(Components(scorer=InlineScorer(SharedWords()), encoder=HashedEncoder(8)))
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
