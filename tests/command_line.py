"""Runs the command line in this process, as `python -m shortlist` runs it in one of its own."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.cli.app import exit_code


@dataclass(frozen=True)
class Result:
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything printed, with one space for each run of white space."""
        return " ".join((self.out + self.err).split())

    def json(self) -> Any:
        """The JSON object on standard output."""
        return json.loads(self.out)


def run(*arguments: str, cwd: Path | None = None, stdin: str = "", code: int | None = 0) -> Result:
    """Run a command; `code` is the exit code that it must have, None for any."""
    out, err = io.StringIO(), io.StringIO()
    with _folder(cwd), _input(stdin), redirect_stdout(out), redirect_stderr(err):
        left = exit_code(arguments)
    result = Result(left, out.getvalue(), err.getvalue())
    assert code is None or left == code, f"exit code {left}\n{result.out}\n{result.err}"
    return result


def error_of(*arguments: str, cwd: Path | None = None, code: int = 2, stdin: str = "") -> str:
    """The message of a command that fails with one line and nothing on standard output."""
    result = run(*arguments, cwd=cwd, code=code, stdin=stdin)
    lines = [line for line in result.err.splitlines() if line != "loading models"]
    assert (len(lines), result.out) == (1, ""), result
    return lines[0].removeprefix("error: ")


@contextmanager
def _folder(path: Path | None) -> Iterator[None]:
    before = Path.cwd()
    if path is not None:
        os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _input(text: str) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode("utf-8")), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin = before


__all__: Sequence[str] = ("Result", "error_of", "run")


class Plain:
    """A reranker without early exits."""

    name = "plain"
    pointwise = True

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        return [float(len(text)) for text in texts]
