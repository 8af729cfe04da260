import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "training"))
pytest.importorskip("tomllib")
pytest.importorskip("lxml")

import edits  # noqa: E402
import flips  # noqa: E402
import keep_judged  # noqa: E402

TEXT = "The valve opens at noon. It never closes by itself."


def row(find="never closes", put="closes", query_a="valve that stays open", query_b="valve that shuts by itself"):
    return {"source": "s", "text": TEXT, "find": find, "put": put, "query_a": query_a, "query_b": query_b}


def test_a_row_is_kept_without_its_text_and_makes_a_card_with_it():
    (line,) = edits.kept([row(), row()])
    kept = json.loads(line)
    assert "text" not in kept
    assert kept["passage"] == keep_judged.digest(TEXT)
    card = edits.card(kept, TEXT)
    assert (card["a"], card["b"]) == (TEXT, "The valve opens at noon. It closes by itself.")


@pytest.mark.parametrize(
    "bad", [row(find="e"), row(find="absent"), row(put="never closes"), row(query_b="valve that stays open")]
)
def test_a_row_without_two_sides_is_left_out(bad):
    assert edits.kept([bad]) == []


@pytest.mark.parametrize("file", [edits.EDITS, edits.HELD])
def test_every_edit_changes_its_passage_and_asks_two_things(file):
    rows = keep_judged.read(file)
    assert rows
    for entry in rows:
        assert tuple(entry) == edits.KEPT
        assert entry["find"] != entry["put"]
        assert entry["query_a"] != entry["query_b"]
        assert len(entry["passage"]) == 16


def test_no_passage_is_both_trained_on_and_held():
    trained, held = ({entry["passage"] for entry in keep_judged.read(file)} for file in (edits.EDITS, edits.HELD))
    assert not trained & held


def test_a_flip_turns_one_word_round():
    (card,) = flips.flips(["The museum is often closed on Monday mornings in winter."], 5, seed=1)
    a, b = card["a"].split(), card["b"].split()
    assert card["a"] != card["b"]
    assert sum(one != other for one, other in zip(a, b, strict=False)) >= 1
    assert card["query_a"] != card["query_b"]


def test_an_exclusion_names_a_word_that_only_the_other_passage_has():
    pool = {
        "queries": ["boats on the lake"],
        "passages": ["Boats for hire.", "Hansel sails there."],
        "grades": [[3, 0]],
    }
    (card,) = flips.exclusions([pool], 5, seed=1)
    assert (card["a"], card["b"]) == ("Boats for hire.", "Hansel sails there.")
    assert "Hansel" in card["query_a"]
    assert "Hansel" in card["query_b"]
    assert card["query_a"] != card["query_b"]
