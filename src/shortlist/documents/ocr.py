"""The text of a scanned page, by a function or a command of the user."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable

from shortlist.documents.source import Unreadable
from shortlist.types import Note

_SECONDS = 300
"""The longest time for one page."""

_SHOWN = 300


def read_image(image: bytes, ocr: Callable[[bytes], str] | str) -> str:
    """Return the text in a PNG image. `ocr` is that of `ReadOptions`.

    Raises:
        Unreadable: The function raises an error or returns no string, or the command fails or takes over 5 minutes.
    """
    if isinstance(ocr, str):
        return _run(image, ocr)
    try:
        text = ocr(image)
    except Exception as error:  # the function is the user's: the report has its error
        raise _failed(f"{type(error).__name__}: {error}") from error
    if not isinstance(text, str):
        raise _failed(f"the function returned {type(text).__name__}, not a string")
    return text


def _run(image: bytes, command: str) -> str:
    handle, path = tempfile.mkstemp(suffix=".png", prefix="shortlist-page-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(image)
        words = shlex.split(command)
        words = [word.replace("{}", path) for word in words] if "{}" in command else [*words, path]
        done = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as error:
        raise _failed(f"no answer after {_SECONDS} s") from error
    except (OSError, ValueError) as error:
        raise _failed(str(error)) from error
    finally:
        os.unlink(path)
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise _failed(": ".join([f"exit code {done.returncode}", *last]))
    return done.stdout.decode("utf-8", "replace")


def _failed(words: str) -> Unreadable:
    return Unreadable(Note("ocr_failed", error=words[:_SHOWN]))
