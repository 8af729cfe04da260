import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "training"))

pytest.importorskip("tomllib")

import contrast  # noqa: E402
import edits  # noqa: E402
import keep_judged  # noqa: E402

FRAMES = ROOT / "training" / "data" / "frames"


@pytest.fixture(scope="module")
def cards():
    return contrast.cards(FRAMES, 20261124)


def test_every_card_is_a_contrast(cards):
    assert len(cards) * 2 >= 3000
    for card in cards:
        assert card["a"] != card["b"]
        assert card["query_a"] != card["query_b"]
        assert not re.search(r"[{}|]", card["a"] + card["b"] + card["query_a"] + card["query_b"])


def test_the_same_seed_gives_the_same_cards(cards):
    assert contrast.cards(FRAMES, 20261124) == cards
    assert contrast.cards(FRAMES, 1) != cards


def test_both_versions_share_most_words(cards):
    for card in (card for card in cards if card["kind"] != "trap"):
        a, b = set(card["a"].lower().split()), set(card["b"].lower().split())
        assert len(a & b) / len(a | b) > 0.4


def test_every_kind_is_there(cards):
    kinds = {card["kind"] for card in cards}
    assert kinds == {
        *("negation", "exclusion", "number", "unit", "date", "name", "direction", "same_words", "scope", "trap")
    }


def test_a_frame_gives_at_most_as_many_different_cards_as_requested(cards):
    chosen = contrast.different(cards, 4)
    texts = [tuple(card[part] for part in ("a", "b", "query_a", "query_b")) for card in chosen]
    assert len(set(texts)) == len(texts)
    counts = Counter(card["frame"] for card in chosen)
    assert set(counts) == {card["frame"] for card in cards}
    assert max(counts.values()) == 4


def test_no_held_frame_is_trained_on(cards):
    held = contrast.cards_of(contrast.read_frames(FRAMES.parent / "held_frames.txt"), 1)
    assert len({card["frame"] for card in held}) >= 100
    queries = {card[part] for card in cards for part in ("query_a", "query_b")}
    assert not queries & {card[part] for card in held for part in ("query_a", "query_b")}


def normal(text):
    return " ".join(re.findall(r"\w+", text.lower()))


def test_no_text_equals_an_evaluation_text(cards, test_sets):
    ours = {normal(card[part]) for card in cards for part in ("a", "b", "query_a", "query_b")}
    ours |= {normal(row[side]) for row in keep_judged.read(edits.EDITS) for side in ("query_a", "query_b")}
    seen = 0
    files = [*test_sets.glob("*/queries.jsonl"), *test_sets.glob("*/corpus.jsonl")]
    files += [*(test_sets.parent / "negation").rglob("*.jsonl")]
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                texts = [row.get(key) for key in ("text", "query", "q1", "q2", "doc1", "doc2", "question", "sentence")]
                seen += 1
                assert not ours & {normal(text) for text in texts if isinstance(text, str)}
    assert seen > 10_000
