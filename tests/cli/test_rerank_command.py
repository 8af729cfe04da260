"""`shortlist rerank`: what it reads, keeps and prints."""

from __future__ import annotations

import io
import json

import pytest

import shortlist.cli.commands.rerank as rerank_command
from command_line import error_of, run
from shortlist.cli.commands.rerank import ARRAY, _lines
from shortlist.errors import InvalidInput


@pytest.fixture(autouse=True)
def _no_file_of_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rows(*arguments, stdin):
    return [json.loads(line) for line in run("rerank", *arguments, "-", "--json", stdin=stdin).out.splitlines()]


def test_lines_are_read_and_kept():
    ranked = rows("when is tax due", stdin="Cats sleep.\nIncome tax is due in April.\n")
    assert [row["text"] for row in ranked] == ["Income tax is due in April.", "Cats sleep."]
    assert [(row["rerank"]["rank"], row["rerank"]["index"]) for row in ranked] == [(1, 1), (2, 0)]


def test_objects_keep_their_ids_and_fields():
    lines = "\n".join(
        json.dumps({"id": key, "text": text, "rank": 7, "index": 42}) for key, text in (("a", "bread"), ("b", "a tax"))
    )
    (row,) = [
        json.loads(line) for line in run("rerank", "tax", "-", "--json", "--top", "1", stdin=lines).out.splitlines()
    ]
    assert {key: row[key] for key in row if key != "rerank"} == {"id": "b", "text": "a tax", "rank": 7, "index": 42}
    assert (row["rerank"]["rank"], row["rerank"]["index"], row["rerank"]["truncated"]) == (1, 1, False)
    assert set(row["rerank"]) == {"score", "rerank_score", "rank", "index", "truncated"}
    assert "candidate 1 of 1 has a field 'rerank'" in error_of("rerank", "tax", "-", "--json", stdin=json.dumps(row))
    shown = run("rerank", "tax", "-", stdin=lines).out
    assert shown.split()[:4] == ["1", "was", "2", "logit"]


def test_scores_of_candidates_are_no_part_of_the_order_and_must_be_numbers():
    lines = [{"id": key, "text": text, "score": 0.5} for key, text in (("a", "bread"), ("b", "a tax"))]
    shown = run("rerank", "tax", "-", stdin="\n".join(map(json.dumps, lines)))
    assert "note: the final score does not include the score of 2 documents" in shown.err
    broken = json.dumps(lines[0] | {"score": 1e999}).replace("Infinity", "1e999")
    assert error_of("rerank", "tax", "-", stdin=broken).startswith("the score of document 'a' is '1e999'")


def test_columns_are_aligned():
    lines = "\n".join(json.dumps({"id": "x" * n, "text": f"tax {n}"}) for n in range(1, 12))
    shown = run("rerank", "tax", "-", stdin=lines).out.splitlines()
    for mark in ("was ", "logit ", "tax "):
        assert len({line.index(mark) for line in shown}) == 1, mark


def test_a_query_longer_than_training_saw_is_scored_with_a_note():
    done = run("rerank", "income tax " * 60, "-", "--json", stdin="Cats sleep.\nA tax.\n")
    assert len(done.out.splitlines()) == 2
    assert "note: the scores are uncertain, and a search would not rerank: the query has 120 tokens" in done.err
    assert "note" not in run("rerank", "tax", "-", stdin="Cats sleep.\n").err


def test_a_long_candidate_is_shown_as_a_snippet_and_whole_in_json():
    text = "Cats sleep. " * 100 + "Income tax is due in April. " + "Dogs run. " * 100
    (line,) = run("rerank", "when is tax due", "-", stdin=text + "\n").out.splitlines()
    assert len(line) < 300
    assert "Income tax is due in April" in line
    assert rows("tax", stdin=text + "\n")[0]["text"] == text


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_is_read(indent):
    given = ["Cats sleep.", {"id": "tax", "text": "Income tax is due in April."}]
    ranked = rows("when is tax due", stdin=json.dumps(given, indent=indent))
    assert [row.get("id") for row in ranked] == ["tax", None]


def test_lines_are_text_if_none_is_an_object_and_no_array_begins():
    lines = ["{x} is a set", "[1] a footnote", "[2]", "{"]
    assert _lines(list(enumerate(lines[:3], start=1)), "f") == lines[:3]
    with pytest.raises(InvalidInput, match="f has JSON objects of several lines"):
        _lines(list(enumerate(lines, start=1)), "f")
    plain = ("[1] a footnote", "[ ] to do", "[2]", '["Come in," she said] and smiled')
    assert not [text for text in plain if ARRAY.match(text)]


def test_plain_text_may_begin_like_an_array():
    text = '["Introduction"](#intro) tax\nother\n'
    assert sorted(row["text"] for row in rows("tax", stdin=text)) == ['["Introduction"](#intro) tax', "other"]


def test_half_a_surrogate_pair_in_a_candidate_is_replaced():
    text = '{"text": "\\ud800 lone", "id": "\\udfff"}\n{"text": "b"}\n'
    assert {row["text"] for row in rows("x", stdin=text)} == {"\ufffd lone", "b"}
    assert "\ufffd lone" in run("rerank", "x", "-", stdin=text).out


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        ("", "standard input has no candidates"),
        ("[]", "has no candidates"),
        ('{"id": 1}\n\n{oops', "standard input line 3 begins like a JSON object and is not a valid one: '{oops'"),
        (
            '{"text": "a"}\nplain\n{"text": "b"}\n',
            "standard input line 1 is a JSON object, and line 2 is not: write every line as a text, or every line as a",
        ),
        ('plain\n{"text": "b"}\n', "standard input line 2 is a JSON object, and line 1 is not"),
        ('{\n  "text": "a"\n}\n', "standard input has JSON objects of several lines: write each object on one line"),
        ("{oops", "standard input line 1 begins like a JSON object"),
        ('[\n  "a",\n', "looks like a JSON array and is not valid"),
        ('["a", "b', "looks like a JSON array and is not valid"),
        ('["a"]\n["b"]\n', "looks like a JSON array and is not valid"),
        ('[{"text": "a"}, {"text": }]', "looks like a JSON array and is not valid"),
        ('["a", 3]', "candidate 2 of 2 in the JSON array is 3"),
    ],
)
def test_bad_input_is_named(stdin, message):
    assert message in error_of("rerank", "q", "-", stdin=stdin)


def test_numbers_that_no_float_holds_stay_as_they_are_written():
    (row,) = rows("q", stdin='{"text": "a", "x": 1e400, "y": NaN, "z": 1.5}\n')
    assert (row["x"], row["y"], row["z"]) == ("1e400", "NaN", 1.5)


def given_bytes(monkeypatch, data):
    monkeypatch.setattr(rerank_command.sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_byte_order_mark_decides_the_encoding(monkeypatch, encoding):
    given_bytes(monkeypatch, "caf\u00e9\r\nth\u00e9\r\n".encode(encoding))
    assert rerank_command._read("-", "") == ["caf\u00e9", "th\u00e9"]


def test_a_guessed_encoding_is_printed_and_another_can_be_named(monkeypatch, capfd):
    data = "Die Gr\u00f6\u00dfe der T\u00fcr ist f\u00fcr alle gleich.\n".encode("cp1252")
    given_bytes(monkeypatch, data)
    assert rerank_command._read("-", "") == ["Die Gr\u00f6\u00dfe der T\u00fcr ist f\u00fcr alle gleich."]
    assert "standard input is not UTF-8 and was read as cp1252, a guess: --encoding NAME" in capfd.readouterr().err
    given_bytes(monkeypatch, data)
    assert "Gr\u0446\u042f" in rerank_command._read("-", "cp1251")[0]


@pytest.mark.parametrize("data", [b"\0\1\2", b"ab\0", b"a text\xff\n" * 30 + b"\xc3\xa4" * 900])
def test_bytes_that_are_not_text_are_an_error(monkeypatch, data):
    given_bytes(monkeypatch, data)
    with pytest.raises(InvalidInput, match=r"^standard input"):
        rerank_command._read("-", "")


def test_the_reranker_of_the_file_is_used(tmp_path):
    (tmp_path / "shortlist.toml").write_text('[search]\nreranker = "command_line:Plain"\n')
    assert [row["rerank"]["score"] for row in rows("q", stdin="a\nlonger\n")] == [6.0, 1.0]
    assert rows("q", "--reranker", "command_line:Plain", stdin="a\n")[0]["rerank"]["score"] == 1.0


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("id,text\n7,Income tax is due in April.\n", "id, text"),
        ('\ufeff"Title";"Body"\r\n"Tax";"Due in April."\r\n', "Title, Body"),
        ("\n_id\tquestion\n1\twhen\n", "_id, question"),
    ],
)
def test_a_table_on_standard_input_is_refused(table, names):
    message = error_of("rerank", "tax", "-", stdin=table)
    assert f"standard input is a table with the columns {names}, which rerank does not read" in message
    assert "a JSON object with a text field on each line" in message


@pytest.mark.parametrize(
    "stdin", ["id,text\n", "text, content\nA tax is due.\n", "A text, as it is.\nIts body, too.\n", "a,b\nc,d\n"]
)
def test_lines_with_commas_are_no_table(stdin):
    assert len(rows("tax", stdin=stdin)) == len(stdin.split("\n")) - 1


@pytest.mark.parametrize(("name", "kind"), [("found.csv", "CSV"), ("found.TSV", "TSV")])
def test_a_table_is_refused_and_the_forms_are_named(tmp_path, name, kind):
    (tmp_path / name).write_text("id,text\n7,Income tax is due in April.\n", encoding="utf-8")
    message = error_of("rerank", "when is tax due", name, cwd=tmp_path)
    assert f"{name} is a {kind} file, which rerank does not read" in message
    for form in ("a text on each line", "a JSON object with a text field on each line", "one JSON array"):
        assert form in message
