"""Query sets that are not UTF-8: the encoding is that of the user or a guess, and the guess is named."""

from __future__ import annotations

import gzip
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command_line import error_of, run
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets import QuerySet, files
from shortlist.evaluation.query_sets.query_set import resolve
from shortlist.types import Passage

QUERIES = ("Wie groß ist die Höchstmenge für Gepäck?", "Was kostet die Rückgabe der Schlüssel?")
CSV = "id;query;relevant\n" + "".join(f"q{n};{text};Öl#{n}\n" for n, text in enumerate(QUERIES))
JSONL = "".join(f'{{"id": "q{n}", "query": "{text}", "relevant": ["Öl#{n}"]}}\n' for n, text in enumerate(QUERIES))
TOPICS = "".join(f"q{n}\t{text}\n" for n, text in enumerate(QUERIES))
QRELS = "".join(f"q{n} 0 Öl#{n} 1\n" for n in range(2))
JAPANESE = "id,query,relevant\nq0,返品の期限はいつまでですか,a\nq1,領収書を再発行してください,b\n"


def written(tmp_path, codec, pack=bytes):
    for name, text in (("q.csv", CSV), ("q.jsonl", JSONL), ("topics.txt", TOPICS), ("qrels.txt", QRELS)):
        (tmp_path / name).write_bytes(pack(text.encode(codec)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["q.csv", "q.jsonl", "topics.txt"])
def test_the_encoding_is_guessed_and_named(tmp_path, name, pack):
    written(tmp_path, "cp1252", pack)
    qrels = tmp_path / "qrels.txt" if name == "topics.txt" else None
    query_set = QuerySet.read(tmp_path / name, qrels=qrels)
    assert tuple(query_set.queries.values()) == QUERIES
    assert list(query_set.qrels["q1"]) == ["Öl#1"]
    assert query_set.guessed[str(tmp_path / name)] == "cp1252"
    assert "guessed={" in repr(query_set)


def test_utf8_is_no_guess(tmp_path):
    written(tmp_path, "utf-8")
    assert QuerySet.read(tmp_path / "q.csv").guessed == {}
    assert "guessed" not in repr(QuerySet.read(tmp_path / "q.csv"))


def test_a_byte_order_mark_is_no_guess(tmp_path):
    (tmp_path / "q.csv").write_bytes(CSV.encode("utf-16"))
    query_set = QuerySet.read(tmp_path / "q.csv")
    assert (tuple(query_set.queries.values()), query_set.guessed) == (QUERIES, {})


def test_beir_folders(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_bytes(
        JSONL.replace('"id"', '"_id"').replace('"query"', '"text"').encode("cp1252")
    )
    (tmp_path / "qrels" / "test.tsv").write_bytes("".join(f"q{n}\tÖl#{n}\t1\n" for n in range(2)).encode("cp1252"))
    query_set = QuerySet.read(tmp_path)
    assert tuple(query_set.queries.values()) == QUERIES
    assert str(tmp_path / "queries.jsonl") in query_set.guessed


def test_the_name_of_the_user_applies(tmp_path):
    (tmp_path / "q.csv").write_bytes(JAPANESE.encode("euc_jp"))
    query_set = QuerySet.read(tmp_path / "q.csv", encoding="EUC-JP")
    assert query_set.queries["q0"] == "返品の期限はいつまでですか"
    assert query_set.guessed == {}


def test_a_name_that_does_not_fit_is_an_error(tmp_path):
    written(tmp_path, "cp1252")
    with pytest.raises(InvalidInput, match=r"q\.csv: .*euc_jp.*name its encoding"):
        QuerySet.read(tmp_path / "q.csv", encoding="euc_jp")
    with pytest.raises(InvalidInput, match="the encoding 'latin-99' is unknown"):
        QuerySet.read(tmp_path / "q.csv", encoding="latin-99")


def test_damaged_utf8_is_an_error_with_the_number_of_bytes(tmp_path):
    damaged = CSV.encode().replace("ü".encode(), b"\xc3", 1)
    (tmp_path / "q.csv").write_bytes(damaged)
    with pytest.raises(InvalidInput, match=r"q\.csv has 1 byte that .* cannot hold; save the file as UTF-8"):
        QuerySet.read(tmp_path / "q.csv")


def test_files_that_are_written_again_and_runs_must_be_utf8(tmp_path):
    written(tmp_path, "cp1252")
    (tmp_path / "run.txt").write_bytes("q0 Q0 Öl#0 1 9.5 x\nq0 Q0 Übergröße 2 9 x\n".encode("cp1252"))
    for read in (lambda: files.read_run(tmp_path / "run.txt"), lambda: files.read_csv(tmp_path / "q.csv")):
        with pytest.raises(InvalidInput, match=r"is not UTF-8 .*save the file as UTF-8"):
            read()


def test_line_ends_in_cells_stay(tmp_path):
    (tmp_path / "q.csv").write_bytes(b'query,relevant\r\n"one\r\ntwo",a\r\nthree,b\r\n')
    assert list(QuerySet.read(tmp_path / "q.csv").queries.values()) == ["one\r\ntwo", "three"]


def test_the_guess_reaches_what_is_measured(tmp_path):
    written(tmp_path, "cp1252")
    query_set = QuerySet.read(tmp_path / "q.csv")
    judged = resolve(query_set, [Passage(f"Öl#{n}", "text", "Öl") for n in range(2)])
    assert dict(judged.guessed) == {str(tmp_path / "q.csv"): "cp1252"}


def test_the_commands_name_the_guess_and_take_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "cp1252")
    done = run("queries", "convert", "q.csv", "out.jsonl")
    assert "q.csv is not UTF-8 and was read as cp1252, a guess: --encoding NAME" in done.err
    assert QuerySet.read("out.jsonl").queries["q0"] == QUERIES[0]
    done = run("queries", "convert", "q.csv", "named.jsonl", "--encoding", "cp1252")
    assert "guess" not in done.err
    assert "the encoding 'x' is unknown" in error_of("queries", "convert", "q.csv", "o.csv", "--encoding", "x")


def test_half_of_a_surrogate_pair_is_an_error_with_its_line(tmp_path):
    good = '{"query": "fine \\ud83d\\ude00", "relevant": ["a"]}\n'
    (tmp_path / "q.jsonl").write_text(good + '{"query": "bad \\ud83d", "relevant": ["b"]}\n')
    with pytest.raises(InvalidInput, match=r"q\.jsonl line 2 has the escape of NUL or of half a surrogate pair"):
        QuerySet.read(tmp_path / "q.jsonl")


BYTES = st.binary(max_size=200) | st.lists(
    st.sampled_from(
        [b"query,relevant\n", b'{"query": "', b'"', b"\n", b",", b"\xff", b"\xfc", b"\x00", b"\\ud800", b"q\t"]
    )
    | st.binary(max_size=4),
    max_size=12,
).map(b"".join)


@pytest.mark.parametrize("name", ["q.csv", "q.tsv", "q.jsonl", "topics.txt", "q.csv.gz"])
@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=BYTES)
def test_any_bytes_are_a_query_set_or_an_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "qrels.txt").write_bytes(content)
    qrels = tmp_path / "qrels.txt" if name == "topics.txt" else None
    try:
        query_set = QuerySet.read(tmp_path / name, qrels=qrels)
    except InvalidInput:
        return
    assert all(text.strip() and text.encode() for text in query_set.queries.values())


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=BYTES)
def test_any_bytes_are_a_run_or_an_error(tmp_path, content):
    (tmp_path / "run.txt").write_bytes(content)
    with suppress(InvalidInput):
        assert isinstance(files.read_run(tmp_path / "run.txt"), dict)
