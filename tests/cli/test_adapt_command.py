"""`shortlist adapt`."""

from __future__ import annotations

import json

import pytest

from command_line import run
from shortlist.adapting import adapt as adapting
from shortlist.adapting.learn import Recipe
from shortlist.registry import load_reranker
from worlds_to_learn import POOL, perfect_set, query_set, search_with

QUICK = ("--pool", str(POOL), "--measure", "nDCG@5", "--precision", "exact", "--threads", "1")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a model, with queries that it can learn, and with queries that are perfect already."""
    search_with(tmp_path / "model")
    for name, queries in (("q.jsonl", query_set()), ("perfect.jsonl", perfect_set())):
        rows = [{"id": key, "query": text, "relevant": queries.qrels[key]} for key, text in queries.queries.items()]
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    recipe = Recipe(epochs=6, layer_rate=0.01, head_rate=0.01, blend_rate=0.05)
    monkeypatch.setattr(adapting, "Recipe", lambda: recipe)
    return tmp_path


def adapt(here, *arguments, code=0):
    retriever = ("--retriever", "worlds_to_learn:RETRIEVER", "--reranker", "model", *QUICK)
    return run("adapt", *arguments, *retriever, cwd=here, code=code)


def test_a_better_model_is_written_and_named_in_the_file(here):
    shown = adapt(here, "q.jsonl", "--to", "mine", "--write")
    assert "held out" in shown.out
    assert "written to mine" in shown.out
    assert 'reranker = "mine"' in (here / "shortlist.toml").read_text()
    for part in ("before 0.", "after 0.", "gain +0.", "p 0.", "(chosen)", "what changes"):
        assert part in shown.out
    report = json.loads((here / "mine" / "adapted.json").read_text())["report"]
    assert f"before {report['before']['mean']:.4f}, after {report['after']['mean']:.4f}" in shown.out
    assert load_reranker(str(here / "mine"), precision="exact").score("a", ["red"])


def test_what_is_not_better_is_not_written(here):
    shown = adapt(here, "perfect.jsonl", "--weight", "dense=1000", "--to", "mine", "--write", code=1)
    assert "nothing is written" in shown.out
    assert not (here / "mine").exists()
    assert not (here / "shortlist.toml").exists()


def test_a_folder_with_files_is_an_error_before_the_run(here):
    assert "model exists already" in adapt(here, "q.jsonl", "--to", "model", code=2).err


def test_few_queries_are_an_error(here):
    lines = (here / "q.jsonl").read_text().splitlines(keepends=True)
    (here / "few.jsonl").write_text("".join(lines[:20]))
    assert "has 20 judged queries: an adaptation needs at least 30" in adapt(here, "few.jsonl", code=2).err


def test_an_unknown_level_is_an_error(here):
    assert "--level is 'all': give auto, weights, head, layer" in adapt(here, "q.jsonl", "--level", "all", code=2).err
