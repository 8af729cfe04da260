"""The files that bulk work reads and writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shortlist.bulk import runs
from shortlist.bulk.parts import Part, Parts
from shortlist.bulk.queries import queries_in
from shortlist.bulk.texts import Text, texts_in
from shortlist.errors import InvalidInput, MissingExtra
from shortlist.evaluation.query_sets.files.rows import Encodings

RUN = {"q1": {"b": 2.0, "a": 1.5, "c": 1.5}, "q0": {"a": -1.0}}
ABOUT = {"reranker": "one", "input": "x"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parquet_of(rows, file):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return Path(file)


def rows_of(run):
    return [
        runs.Ranked(query, key, rank, score, False, rank, score)
        for query, scores in run.items()
        for rank, (key, score) in enumerate(scores.items(), start=1)
    ]


def test_a_trec_run_is_read_as_it_was_written():
    with Path("run.txt").open("wb") as file:
        assert runs.write(rows_of(RUN), file, ".txt", "the tag") == 4
    assert Path("run.txt").read_text().splitlines()[0] == "q1 Q0 b 1 2.0 thetag"
    assert runs.read(Path("run.txt")) == RUN
    assert [list(scores) for scores in runs.read(Path("run.txt")).values()] == [["b", "a", "c"], ["a"]]


def test_a_parquet_run_is_read_as_it_was_written():
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    with Path("run.parquet").open("wb") as file:
        assert runs.write(rows_of(RUN), file, ".parquet", "x") == 4
    assert runs.read(Path("run.parquet")) == RUN


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"query_id": None, "passage_id": "a", "score": 1.0}, "row 1: an id is missing"),
        ({"query_id": "q", "passage_id": "a", "score": float("nan")}, "row 1: score nan is not a finite number"),
        ({"query_id": "q", "passage_id": "b", "score": 2.0}, "passage 'b' occurs twice in query 'q'"),
    ],
)
def test_rows_of_a_parquet_run_that_cannot_be_used(row, message):
    file = parquet_of([{"query_id": "q", "passage_id": "b", "score": 1.0}, row], "run.parquet")
    with pytest.raises(InvalidInput, match=message):
        runs.read(file)


def test_a_parquet_run_without_a_column_names_its_columns():
    file = parquet_of([{"qid": "q", "text": "b"}], "run.parquet")
    with pytest.raises(InvalidInput, match=r"lacks a column passage_id or docid .*: its columns are qid, text"):
        runs.read(file)


def test_a_file_that_is_no_parquet_is_an_error():
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    Path("run.parquet").write_text("q1 Q0 a 1 2 x")
    with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
        runs.read(Path("run.parquet"))


def test_parquet_without_its_package_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    Path("run.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra, match=r"shortlist\[parquet\]"):
        runs.read(Path("run.parquet"))
    with pytest.raises(MissingExtra):
        runs.check_output(Path("out.parquet"), ["a"])


def test_a_trec_run_cannot_hold_an_id_with_white_space():
    with pytest.raises(InvalidInput, match="cannot hold the id 'a b'"):
        runs.check_output(Path("out.txt"), ["a", "a b"])


def test_a_missing_and_an_empty_run_are_errors():
    with pytest.raises(InvalidInput, match="there is no run"):
        runs.read(Path("none.txt"))
    Path("empty.txt").touch()
    with pytest.raises(InvalidInput, match="has no rows"):
        runs.read(Path("empty.txt"))


QUERIES = {"q1": "first query", "2": "second, query"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("q.jsonl", '{"_id": "q1", "text": "first query"}\n{"id": 2, "query": "second, query"}\n'),
        ("q.csv", 'id,query\nq1,first query\n2,"second, query"\n'),
        ("q.tsv", "text\tqid\nfirst query\tq1\nsecond, query\t2\n"),
        ("topics.tsv", "q1\tfirst query\n2\tsecond, query\n"),
        ("topics.txt", "<top><num> q1 <title> first query</top><top><num> 2 <title> second, query</top>"),
        ("beir/queries.jsonl", '{"_id": "q1", "text": "first query"}\n{"_id": "2", "text": "second, query"}\n'),
    ],
)
def test_queries_in_every_form(file, text):
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(text, encoding="utf-8")
    assert queries_in(Path("beir") if file.startswith("beir") else Path(file), Encodings()) == QUERIES


def test_files_that_are_not_utf8_have_an_encoding_or_a_guess():
    Path("q.csv").write_bytes("id,text\n1,Straße\n".encode("cp1252"))
    named = Encodings.named("cp1252")
    assert queries_in(Path("q.csv"), named) == {"1": "Straße"}
    assert [item.content for item in texts_in(Path("q.csv"), named)] == ["Straße"]
    assert named.guessed == {}
    for read in (queries_in, texts_in):
        guess = Encodings()
        list(read(Path("q.csv"), guess))
        assert [Path(file).name for file in guess.guessed] == ["q.csv"]
    with pytest.raises(InvalidInput, match="encoding"):
        Encodings.named("klingon")


def test_queries_in_parquet():
    rows = [{"query_id": key, "text": text} for key, text in QUERIES.items()]
    assert queries_in(parquet_of(rows, "q.parquet"), Encodings()) == QUERIES


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("q.jsonl", '{"_id": "q1"}\n', "line 1: a query needs an id and a text"),
        ("q.jsonl", '{"_id": "q", "text": "a"}\n{"_id": "q", "text": "b"}\n', "line 2: query 'q' has another text"),
        ("q.csv", 'sep=;\nid;query\na;"b\nc;d\n', "q.csv line 3: a quote is not closed"),
        ("q.csv", "name,words\na,b\n", "the first row must name id, and text or query; it names name, words"),
    ],
)
def test_queries_that_cannot_be_used(file, text, message):
    Path(file).write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        queries_in(Path(file), Encodings())


def test_texts_of_a_beir_folder_and_of_csv():
    Path("beir").mkdir()
    Path("beir/corpus.jsonl").write_text(json.dumps({"_id": "a", "title": "T", "text": "words"}) + "\n")
    Path("texts.csv").write_text("id,title,text\na,T,words\n")
    assert (
        list(texts_in(Path("beir"), Encodings()))
        == list(texts_in(Path("texts.csv"), Encodings()))
        == [Text("a", "T\nwords")]
    )


def part(failures=()):
    return Part({"scores": np.array([1.0, np.nan])}, {"failures": list(failures), "made_by": "m", "seconds": 1.0})


def test_parts_are_read_as_they_were_stored():
    with Parts(Path("out.txt"), ABOUT) as parts:
        parts.put(3, part())
    with Parts(Path("out.txt"), ABOUT) as parts:
        assert parts.done == {3}
        assert parts.get(3).arrays["scores"][0] == 1.0
        assert parts.get(3).facts == part().facts
        parts.finish()
    assert not Path("out.txt.partial").exists()


def test_a_unit_with_failed_rows_is_not_done():
    with Parts(Path("out.txt"), ABOUT) as parts:
        parts.put(0, part([(1, "reason")]))
        assert parts.done == set()
    with Parts(Path("out.txt"), ABOUT) as parts:
        assert parts.done == set()
        assert parts.get(0).facts["failures"] == [[1, "reason"]]


def test_a_damaged_part_is_named():
    with Parts(Path("out.txt"), ABOUT) as parts:
        parts.put(0, part())
    Path("out.txt.partial/00000000.npz").write_bytes(b"PK")
    with pytest.raises(InvalidInput, match=r"00000000\.npz cannot be read"):
        Parts(Path("out.txt"), ABOUT)
    Path("out.txt.partial/00000000.npz").unlink()
    Parts(Path("out.txt"), ABOUT).close()


def test_a_damaged_description_is_an_error():
    Parts(Path("out.txt"), ABOUT).close()
    Path("out.txt.partial/run.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"run\.json is damaged"):
        Parts(Path("out.txt"), ABOUT)
