"""What runs in a worker process: units come in on standard input, and answers go out on standard output."""

from __future__ import annotations

import os
import pickle
import sys
from contextlib import suppress
from typing import IO, Any

from shortlist.workers.base import Carried

START = (
    "import pickle, sys\n"
    "sys.path[:] = pickle.load(sys.stdin.buffer)\n"
    "from shortlist.workers.process import serve\n"
    "serve()\n"
)
"""The program of a worker process. The first message has the import path of the process that starts it."""
READY = "ready"


def serve() -> None:
    """Make the worker of the next message, and answer each further message, until standard input ends.

    What the worker prints goes to standard error. Each answer is a value or a `Carried` error.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(BrokenPipeError, EOFError):  # the process that started this one has ended
        try:
            worker = pickle.load(sys.stdin.buffer)()
        except EOFError:
            raise
        except Exception as error:  # noqa: BLE001 - the other process raises it
            _send(Carried.of(error), answers)
            return
        _send(READY, answers)
        while True:
            content = pickle.load(sys.stdin.buffer)
            try:
                value = worker(content)
            except Exception as error:  # noqa: BLE001 - the other process raises it
                value = Carried.of(error)
            _send(value, answers)


def _send(message: Any, stream: IO[bytes]) -> None:
    pickle.dump(message, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()
