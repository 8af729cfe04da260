import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "training"))
pytest.importorskip("tomllib")

import fused  # noqa: E402
import judged  # noqa: E402


def row(query, grades, passages=("x", "y")):
    return {"group": 1, "source": "s", "type": "a", "query": query, "passages": list(passages), "grades": grades}


def test_queries_over_the_same_passages_make_one_pool(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [row("p", [3, 0]), row("q", [0, 3]), row("r", [3, 1], ("x", "z"))]
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    pools = judged.pools([path])
    assert [pool["queries"] for pool in pools] == [["p", "q"], ["r"]]
    assert pools[0]["grades"] == [[3, 0], [0, 3]]


def test_a_line_that_is_being_written_is_left_out(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row("p", [3, 0])) + "\n" + json.dumps(row("q", [3, 0]))[:20])
    assert [pool["queries"] for pool in judged.pools([path])] == [["p"]]


def test_a_row_with_a_grade_too_few_is_left_out(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row("p", [3])) + "\n")
    assert judged.pools([path]) == []


def test_the_fused_order_is_stage_ones():
    cosines, words = np.array([0.9, 0.5, 0.7], dtype=np.float32), np.array([0.0, 4.0, 0.0], dtype=np.float32)
    assert fused.fused(cosines, words).tolist() == [1, 0, 2]
