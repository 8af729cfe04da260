"""`shortlist demo` and `shortlist models`: the truth of what the models do here."""

from __future__ import annotations

import pytest

from command_line import run
from shortlist import demo
from shortlist.cli.command_table import NAMES


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The demonstration, run once."""
    return demo.run(tmp_path_factory.mktemp("demo") / "index")


@pytest.fixture
def command(shown, monkeypatch):
    """Run `shortlist demo` on the searches of `shown`."""
    monkeypatch.setattr(demo, "run", lambda folder: shown)
    return lambda *options: run("demo", *options)


@pytest.fixture
def orders(command):
    return command("--json").json()


def test_json_has_three_orders_of_all_notes_and_names_the_answers(orders):
    documents, answers = demo.notes()
    assert set(orders["answers"]) == answers
    assert list(orders["orders"]) == ["stage_one", "reranker", "final"]
    for order in orders["orders"].values():
        assert {note["id"] for note in order} == {document.id for document in documents}
        assert [note["rank"] for note in order] == list(range(1, len(documents) + 1))
        assert {note["id"] for note in order if note["answer"]} == answers
        scores = [note["score"] for note in order]
        assert scores == sorted(scores, reverse=True)
    final, weights = orders["orders"]["final"], orders["weights"]
    for note in final:
        assert note["score"] == pytest.approx(
            note["rerank_score"] + sum(weights[name] * note["signals"].get(name, 0.0) for name in weights)
        )


def test_the_reranker_puts_the_answers_first_where_stage_one_is_fooled(orders):
    assert not orders["orders"]["stage_one"][0]["answer"]
    assert [note["answer"] for note in orders["orders"]["reranker"][:3]] == [True, True, True]
    assert orders["orders"]["final"][0]["answer"]


def test_the_words_agree_with_the_orders(orders, command):
    shown = command().text
    for heading in (
        "1. Stage one alone",
        "2. The reranker alone",
        "3. A search with the default settings",
        "4. The pool",
    ):
        assert heading in shown
    first = {name: order[0]["answer"] for name, order in orders["orders"].items()}
    assert ("Stage one is wrong" in shown) is not first["stage_one"]
    assert ("The reranker is wrong, too" in shown) is not first["reranker"]
    assert ("stage one outweighs the reranker" in shown) is (first["reranker"] and not first["final"])
    assert "recall ceiling R@1 = " in shown


def test_the_last_line_names_the_next_command(command):
    last = command().out.splitlines()[-1]
    assert last == "Next, with your own files: shortlist add FOLDER"
    assert last.split()[-2] in NAMES


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_runs_over_the_terminals_width(monkeypatch, command, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, command().out.splitlines())) <= width


def test_models_lists_the_packaged_ones_and_which_precision_runs_here():
    shown = run("models").out
    for part in ("all-MiniLM-L6-v2", "shortlist-reranker-v1", "packaged", "bge-small-en-v1.5", "exact:"):
        assert part in shown
    assert "auto for shortlist-reranker-v1: " in shown
    assert "auto for other models: " in shown
