import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "training"))
pytest.importorskip("tomllib")

import fused  # noqa: E402
import judged  # noqa: E402
import keep_judged  # noqa: E402
import manuals  # noqa: E402
import rebuild_texts  # noqa: E402


def row(query, grades, passages=("x", "y")):
    return {"group": 1, "source": "s", "type": "a", "query": query, "passages": list(passages), "grades": grades}


def test_queries_over_the_same_passages_make_one_pool(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [row("p", [3, 0]), row("q", [0, 3]), row("r", [3, 1], ("x", "z"))]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in rows))
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
    cosines, words = np.array([0.7, 0.5, 0.6], dtype=np.float32), np.array([0.0, 4.0, 0.0], dtype=np.float32)
    assert fused.fused(cosines, words).tolist() == [1, 0, 2]


def test_rows_keep_keys_in_place_of_texts_and_get_the_texts_back(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row(query, [3, 0])) + "\n" for query in ("q", "p", "q")))
    lines = keep_judged.kept([path])
    keep_judged.write(lines, tmp_path / "a.gz")
    kept = keep_judged.read(tmp_path / "a.gz")
    assert [(entry["query"], entry["grades"]) for entry in kept] == [("p", "30"), ("q", "30")]
    assert all(len(key) == 16 for entry in kept for key in entry["passages"])
    texts = keep_judged.texts_of(kept, ["x", "y", "z"])
    assert sorted(texts.values()) == ["x", "y"]
    (first, _) = keep_judged.with_texts(kept, texts)
    assert (first["passages"], first["grades"]) == (["x", "y"], [3, 0])
    assert keep_judged.with_texts(kept, keep_judged.texts_of(kept, ["x"])) == []


def test_every_kept_row_names_a_source_and_grades_every_passage():
    counts = Counter(entry["source"] for entry in keep_judged.read())
    lines = (keep_judged.FOLDER / "sources.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert {name: int(count) for name, count, _, _ in (line.split("\t") for line in lines)} == counts
    assert all(len(entry["grades"]) == len(entry["passages"]) for entry in keep_judged.read())


MANUAL = """# 2. Setup

## 2.1 Ports

The server listens on port 8080. """ + " ".join(f"word{number}" for number in range(60))


def test_a_passage_of_a_manual_is_found_by_its_key():
    items = manuals.Lines(markdown=True, loose=False).items_of(MANUAL.encode())
    assert [tag for tag, _ in items] == ["h1", "h2", "p"]
    whole = items[2][1].split()
    passages = ["Setup: Ports. " + " ".join(whole[:40]), "2.1 Ports. " + " ".join(whole[6:50])]
    search = rebuild_texts.Search({keep_judged.digest(text) for text in [*passages, "another text"]}, {})
    search.match(items, at_sentences=True)
    assert search.texts == {keep_judged.digest(text): text for text in passages}


def test_terms_and_rows_become_single_blocks():
    page = b"<dl><dt>-a</dt><dd>All.</dd></dl><table><tr><td>x</td><td>1</td></tr></table>"
    (items, _), *_ = manuals.variants(manuals.html_items(page))
    assert [text for _, text in items] == ["-a: All.", "x: 1"]
