"""A whole file of texts as vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tiny
from inline_workers import InlineWorkers
from shortlist.bulk import embed, work
from shortlist.config import SearchConfig
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput

HASHED = SearchConfig(bi_encoder="hashed-16")
ROWS = [{"id": f"p{n}", "title": f"title {n}", "text": f"the text of {n}"} for n in range(25)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """25 texts. A unit has ten."""
    monkeypatch.setattr(work, "FEWEST", 10)
    monkeypatch.chdir(tmp_path)
    write(ROWS)
    return tmp_path


@pytest.fixture
def crew(monkeypatch):
    """Use these workers in place of processes."""

    def use(workers):
        monkeypatch.setattr("shortlist.bulk.embedding.choose_workers", lambda *args, **options: workers)
        return workers

    return use


def write(rows, file="texts.jsonl"):
    Path(file).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def ids(file="out.ids.jsonl"):
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


def test_every_text_has_its_vector(folder, crew):
    crew(InlineWorkers(reverse=True))
    report = embed("texts.jsonl", "out.npy", config=HASHED)
    vectors = np.load("out.npy")
    expected = HashedEncoder(16).encode_passages([f"{row['title']}\n{row['text']}" for row in ROWS])
    assert (vectors == expected).all()
    assert vectors.dtype == np.float32
    assert ids() == [row["id"] for row in ROWS]
    assert (report.rows, report.failed, report.units) == (25, 0, {"hashed-16": 3})
    assert not Path("out.npy.partial").exists()


def test_parquet_has_ids_and_vectors(folder, crew):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    crew(InlineWorkers())
    embed("texts.jsonl", "out.npy", config=HASHED)
    embed("texts.jsonl", "out.parquet", config=HASHED)
    table = parquet.read_table("out.parquet")
    assert table.column("id").to_pylist() == ids()
    assert (np.array(table.column("vector").to_pylist(), dtype=np.float32) == np.load("out.npy")).all()


def test_texts_from_parquet_are_those_of_json_lines(folder, crew):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    crew(InlineWorkers())
    parquet.write_table(pyarrow.Table.from_pylist([*ROWS, {"id": "p1", "title": "", "text": "x"}]), "texts.parquet")
    embed("texts.jsonl", "one.npy", config=HASHED)
    report = embed("texts.parquet", "two.npy", config=HASHED)
    assert Path("one.npy").read_bytes() == Path("two.npy").read_bytes()
    (failure,) = report.failures
    assert str(failure) == "texts.parquet row 25: the id 'p1' is already used at an earlier row"


def test_a_stopped_run_continues(folder, crew):
    crew(InlineWorkers())
    embed("texts.jsonl", "whole.npy", config=HASHED)
    crew(InlineWorkers(stop_after=2))
    with pytest.raises(KeyboardInterrupt):
        embed("texts.jsonl", "out.npy", config=HASHED)
    workers = crew(InlineWorkers())
    report = embed("texts.jsonl", "out.npy", config=HASHED)
    assert (workers.seen, report.resumed) == ([2], 20)
    assert Path("out.npy").read_bytes() == Path("whole.npy").read_bytes()


def test_rows_that_fail_are_named_and_the_others_are_written(folder, crew):
    crew(InlineWorkers(lost=[1]))
    rows = [*ROWS[:3], {"id": "bad", "text": "bad"}, *ROWS[3:], {"id": "p1", "text": "again"}, {"text": 7}]
    write(rows)
    report = embed("texts.jsonl", "out.npy", config=SearchConfig(bi_encoder="bulk_parts:make_encoder"))
    reasons = {failure.id: failure.reason for failure in report.failures}
    assert reasons["bad"] == "ValueError: bad"
    assert {key for key, reason in reasons.items() if "ended" in reason} == {f"p{n}" for n in range(9, 19)}
    assert {"texts.jsonl line 27", "texts.jsonl line 28"} <= reasons.keys()
    kept = [f"p{n}" for n in range(25) if not 9 <= n < 19]
    assert ids() == kept
    assert np.load("out.npy").shape == (len(kept), 16)
    assert (report.rows, report.failed, report.kept) == (15, 13, "out.npy.partial")


def test_a_file_without_a_usable_text_is_an_error(folder):
    write([{"id": "a", "text": " "}])
    with pytest.raises(InvalidInput, match=r"texts\.jsonl has no text to encode: texts\.jsonl line 1"):
        embed("texts.jsonl", "out.npy", config=HASHED)


@pytest.mark.parametrize(
    ("texts", "out", "message"),
    [
        ("texts.jsonl", "out.csv", "has no known format"),
        ("none.jsonl", "out.npy", "no file with texts"),
        ("page.html", "out.npy", "has no rows of texts"),
        ("texts.jsonl", "nowhere/out.npy", "does not exist"),
    ],
)
def test_files_that_cannot_be_used(folder, texts, out, message):
    Path("page.html").write_text("<p>words</p>", encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        embed(texts, out, config=HASHED)


def test_queries_and_passages_are_runs_of_their_own(folder, crew):
    crew(InlineWorkers(stop_after=1))
    with pytest.raises(KeyboardInterrupt):
        embed("texts.jsonl", "out.npy", config=HASHED)
    with pytest.raises(InvalidInput, match=r"\(other as_queries\)"):
        embed("texts.jsonl", "out.npy", as_queries=True, config=HASHED)


def test_one_worker_and_four_give_identical_files(folder):
    config = SearchConfig(bi_encoder=str(tiny.encoder(folder / "model")))
    words = tiny.WORDS[4:]
    write([{"id": f"p{n}", "text": " ".join(words[: n % 9 + 1])} for n in range(30)])
    for workers in (1, 4):
        embed("texts.jsonl", f"{workers}.npy", config=config, workers=workers)
    assert Path("1.npy").read_bytes() == Path("4.npy").read_bytes()
    assert np.load("1.npy").shape == (30, tiny.WIDTH)
