"""`shortlist bulk`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from command_line import error_of, run
from inline_workers import InlineWorkers


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for module in ("reranking", "embedding"):
        monkeypatch.setattr(f"shortlist.bulk.{module}.choose_workers", lambda *args, **options: InlineWorkers())
    texts = ["short", "a longer text", "bad"]
    rows = [json.dumps({"id": f"p{n}", "text": text}) for n, text in enumerate(texts)]
    Path("corpus.jsonl").write_text("\n".join(rows))
    Path("queries.tsv").write_text("q0\tthe query\n")
    Path("run.txt").write_text("".join(f"q0 Q0 p{n} {n} {9 - n} x\n" for n in range(3)))
    return tmp_path


RERANK = ("bulk", "rerank", "run.txt", "--corpus", "corpus.jsonl", "--queries", "queries.tsv", "--out", "out.txt")


def test_failed_rows_are_named_and_give_an_exit_code(files):
    result = run(*RERANK, "--reranker", "bulk_parts:Pointwise", code=1)
    assert result.out == ""
    assert "2 pairs written to out.txt" in result.err
    assert "1 pair failed:" in result.err
    assert re.search(
        r"query q0, passage p2: length failed: ValueError: bad, in bulk_parts\.py line \d+$", result.err, re.MULTILINE
    )
    assert "run the same command again to try them again" in result.text
    assert [line.split()[2] for line in Path("out.txt").read_text().splitlines()] == ["p1", "p0"]


def test_the_encoding_of_files_that_are_not_utf8(files):
    Path("run.txt").write_text("q0 Q0 p0 1 3 x\n")
    Path("queries.tsv").write_bytes("q0\tStraße\n".encode("cp1252"))
    shown = run(*RERANK, "--reranker", "bulk_parts:Pointwise").err
    assert "queries.tsv is not UTF-8 and was read as" in shown
    assert "a guess: --encoding NAME names another encoding" in shown
    named = run(*RERANK, "--reranker", "bulk_parts:Pointwise", "--encoding", "cp1252").err
    assert "a guess" not in named
    Path("texts.csv").write_bytes("id,text\na,Straße\n".encode("cp1252"))
    embed = ("bulk", "embed", "texts.csv", "--out", "out.npy", "--bi-encoder", "hashed-16")
    assert "texts.csv is not UTF-8 and was read as" in run(*embed).err, "a guess is no failed row"
    assert "a guess" not in run(*embed, "--encoding", "cp1252").err
    assert "encoding" in error_of(*embed, "--encoding", "klingon")


def test_a_run_without_failures_exits_with_0(files):
    Path("run.txt").write_text("q0 Q0 p0 1 3 x\nq0 Q0 p1 2 2 x\n")
    assert "2 pairs written to out.txt" in run(*RERANK, "--reranker", "bulk_parts:Pointwise").err


def test_many_failures_are_counted(files):
    Path("run.txt").write_text("q0 Q0 p0 1 300 x\n" + "".join(f"q0 Q0 m{n} {n + 2} {200 - n} x\n" for n in range(30)))
    result = run(*RERANK, "--reranker", "bulk_parts:Pointwise", code=1)
    assert "30 pairs failed:" in result.err
    assert result.err.count("not in corpus.jsonl") == 20
    assert "and 10 more (--verbose names all)" in result.err
    result = run(*RERANK, "--reranker", "bulk_parts:Pointwise", "--verbose", code=1)
    assert result.err.count("not in corpus.jsonl") == 30


def test_embed_writes_vectors(files):
    result = run("bulk", "embed", "corpus.jsonl", "--out", "out.npy", "--bi-encoder", "hashed-16")
    assert "3 texts written to out.npy" in result.err
    assert np.load("out.npy").shape == (3, 16)


def test_an_error_is_one_line_and_names_the_option(files, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(files)
    assert error_of(*RERANK, "--workers", "0") == "--workers must be at least 1, not 0"
    assert "partial" not in " ".join(path.name for path in files.iterdir())


def test_ctrl_c_reports_what_is_kept(files, monkeypatch):
    monkeypatch.setattr("shortlist.bulk.embedding.choose_workers", lambda *args, **options: InlineWorkers(stop_after=0))
    result = run("bulk", "embed", "corpus.jsonl", "--out", "out.npy", "--bi-encoder", "hashed-16", code=130)
    assert "the finished rows are kept: run the same command again to continue" in result.text
