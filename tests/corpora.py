"""A small corpus with judged queries, and a shell that runs commands on it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from command_line import Result, run
from hashed import index_of
from shortlist import registry
from shortlist.types import Passage
from worlds import WORDS, OracleReranker


@dataclass(frozen=True)
class Corpus:
    """An index in `folder / "ix"`, and judged queries: `answers` maps the text of each to the relevant texts."""

    folder: Path
    answers: dict[str, set[str]]
    rows: list[dict[str, object]]


def make_corpus(folder: Path, *, passages: int, queries: int, words: int) -> Corpus:
    """An index of short passages, and queries that are the first `words` words of one of them."""
    draw = np.random.default_rng(5)
    corpus = [Passage(f"p{i}", " ".join(draw.choice(WORDS, 5)) + f" number{i}", f"p{i}") for i in range(passages)]
    index_of(corpus, folder / "ix", dimension=64)
    rows: list[dict[str, object]] = []
    answers = {}
    for number in range(queries):
        target = corpus[int(draw.integers(0, passages))]
        query = f"{' '.join(target.text.split()[:words])} {number}"
        rows.append({"query": query, "relevant": [target.id]})
        answers[query] = {target.content}
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Corpus(folder, answers, rows)


@dataclass
class Shell:
    """Runs commands in `here`. `reranker` is what every name of a reranker loads; files of the corpus have its path."""

    here: Path
    corpus: Corpus
    reranker: object
    files: tuple[str, ...] = field(default=("q.jsonl", "ix", "topics.tsv"))

    def arguments(self, arguments: tuple[str, ...]) -> list[str]:
        named = [str(self.corpus.folder / word) if word in self.files else word for word in arguments]
        return [*named, "--index", str(self.corpus.folder / "ix")]

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Everything that the command printed."""
        result = self.result(*arguments, code=code)
        return result.out + result.err

    def result(self, *arguments: str, code: int = 0) -> Result:
        return run(*self.arguments(arguments), cwd=self.here, code=code)

    def fails(self, *arguments: str, code: int = 2) -> str:
        """The message of a command that fails with one line, after any remarks."""
        return self.result(*arguments, code=code).err.splitlines()[-1].removeprefix("error: ")

    def search(self, *arguments: str) -> dict:
        return self.result("search", *arguments, "--json").json()

    def toml(self, text: str) -> None:
        (self.here / "shortlist.toml").write_text(f"[search]\n{text}\n")


def shell_in(folder: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in an empty folder, with a reranker that knows the answers."""
    shell = Shell(folder, corpus, OracleReranker(corpus.answers))
    monkeypatch.setattr(registry, "load_reranker", lambda name, **_: shell.reranker)
    monkeypatch.setattr(registry, "check_reranker", lambda name: None)
    return shell
