"""`shortlist why` on an index with a stand-in reranker."""

from __future__ import annotations

import pytest

import shortlist
from command_line import error_of, run
from shortlist import SearchConfig
from shortlist.types import Document

TEXTS = {"pebble": "pebble runs without a server", "harbor[x]": "harbor is a server with a port"}
A, B = "pebble#0", "harbor[x]#0"
RERANKER = ("--reranker", "fakes:WordReranker")


@pytest.fixture
def folder(tmp_path):
    with shortlist.open(tmp_path / "ix", create=True, config=SearchConfig(bi_encoder="hashed-256")) as index:
        index.add([Document(key, text) for key, text in TEXTS.items()])
    return tmp_path


def test_the_table_shows_which_word_favours_which_passage(folder):
    shown = run("why", "engine without [port]", A, B, "--index", "ix", *RERANKER, cwd=folder).out
    assert f"B = {B}" in shown
    rows = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    assert " A █" in rows["without"]
    assert " B █" in rows["port"]
    assert "reranker alone: A above B by 0.3333" in shown


def test_json_has_both_stages(folder):
    found = run("why", "without", A, B, "--index", "ix", "--json", *RERANKER, cwd=folder).json()
    assert (found["a"], found["b"], found["rerank_margin"]) == (A, B, 1.0)
    assert found["words"] == [
        {"word": "without", "start": 0, "end": 7, "retrieval": found["retrieval_margin"], "rerank": 1.0}
    ]


def test_the_reranker_is_used_although_the_file_turns_reranking_off(folder):
    (folder / "shortlist.toml").write_text('[search]\nrerank = false\nreranker = "fakes:WordReranker"\n')
    assert run("why", "without", A, B, "--index", "ix", "--json", cwd=folder).json()["rerank_margin"] == 1.0


def test_stage_one_is_its_own_order_and_takes_a_fusion_weight(folder):
    shown = run("why", "without", A, B, "--index", "ix", *RERANKER, cwd=folder).out
    assert "stage one, cosine + 0.3 x BM25 share alone: A above B by" in shown
    margins = [
        run("why", "without", A, B, "--index", "ix", *RERANKER, *options, "--json", cwd=folder).json()
        for options in ([], ["--fusion", "0"], ["--fusion", "1"], ["--retriever", "bm25"], ["--retriever", "dense"])
    ]
    hybrid, words, vectors, bm25, dense = (each["retrieval_margin"] for each in margins)
    assert words == pytest.approx(0.6)
    assert vectors == pytest.approx(2 * dense, abs=1e-5)
    assert hybrid == pytest.approx(dense + 0.3, abs=1e-5)
    assert [each["retrieval_score"] for each in margins[3:]] == ["BM25", "cosine"]
    assert bm25 > 0


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (A, "nobody", "no passage 'nobody'"),
        ("x", "y", "no passage 'x' and no passage 'y'"),
        (A, A, "both ids are 'pebble#0'"),
    ],
)
def test_ids_that_cannot_be_compared_are_named(folder, a, b, message):
    assert message in error_of("why", "without", a, b, "--index", "ix", *RERANKER, cwd=folder)
