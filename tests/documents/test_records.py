from __future__ import annotations

import csv
import json
import random
import re

import pytest

from shortlist.documents import Skipped, Source, decoding, discover, jsonl, read
from shortlist.documents import csv as csv_reader
from shortlist.text import Splitter
from shortlist.types import Document, Note


def test_json_lines_are_documents(load, tmp_path):
    name = (tmp_path.resolve() / "a.jsonl").as_posix()
    first = {
        "id": 7,
        "title": "T",
        "text": "one",
        "url": "u",
        "metadata": {"n": 1.5, "tags": ["a"], "ok": True, "no": None},
    }
    documents = load("a.jsonl", json.dumps(first) + '\n\n{"_id": "x", "text": "two"}\n{"text": "three"}')
    common = {"source": name, "format": "jsonl"}
    assert documents == [
        Document("7", "one", "T", {**common, "url": "u", "n": 1.5, "tags": ["a"], "ok": True}),
        Document("x", "two", "", common),
        Document(f"{name}#line=4", "three", "", common),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not JSON"),
        ("[1, 2]", "not a JSON object but a list"),
        ("3", "not a JSON object but a number"),
        ("null", "not a JSON object but null"),
        ('{"id": "a"}', 'no "text" field'),
        ('{"text": 3}', '"text" is a number, not a string'),
        ('{"text": null}', '"text" is null, not a string'),
        ('{"text": "a", "title": ["b"]}', '"title" is a list, not a string'),
        ('{"text": "a", "metadata": "b"}', '"metadata" is a string, not an object'),
        ('{"id": NaN, "text": "a"}', '"id" is NaN, not a string or a number'),
        ('{"id": 1e999, "text": "a"}', '"id" is Infinity'),
        ('{"id": true, "text": "a"}', '"id" is true, not a string or a number'),
        ('{"id": {"$oid": "1"}, "text": "a"}', '"id" is an object'),
        ('{"id": " ", "text": "a"}', '"id" is empty'),
        ('{"id": "\\ud800", "text": "a"}', '"id" has characters'),
        ('{"text": "  "}', "empty"),
        ("[" * 200_000, "JSON"),
        ('{"text": "a", "n": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_a_bad_line_is_skipped_and_the_rest_is_read(load, line, reason):
    good = '{"id": "good", "text": "fine"}'
    skipped, document = load("a.jsonl", f"{line}\n{good}\n")
    assert isinstance(skipped, Skipped)
    assert skipped.place == "line 1"
    assert reason in skipped.reason
    assert document.id == "good"


@pytest.mark.parametrize("ids", ['"id": null', '"_id": null', '"id": null, "_id": null'])
def test_an_id_that_is_null_is_missing(load, ids):
    [document] = load("a.jsonl", f'{{{ids}, "text": "a"}}')
    assert document.id.endswith("a.jsonl#line=1")
    assert load("b.jsonl", '{"id": null, "_id": "b", "text": "a"}')[0].id == "b"


def test_a_field_of_the_metadata_wins_over_another_field_of_that_name(load):
    assert load("a.jsonl", '{"text": "a", "metadata": {"year": 1}, "year": 2}')[0].metadata["year"] == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"_id": "1", "title": " All it says ", "text": ""}'),
        ("a.jsonl", '{"_id": "1", "title": " All it says ", "text": " \\n"}'),
        ("a.csv", "id,title,text\n1, All it says ,\n"),
    ],
)
def test_a_title_alone_is_the_text(load, name, content):
    [document] = load(name, content)
    assert (document.id, document.text.strip(), document.title) == ("1", "All it says", "")


def test_metadata_that_is_no_value_becomes_text(load):
    fields = '{"n": NaN, "big": 123456789012345678901234567890, "o": {"k": "é", "in": {"k": 2}}, "source": "wiki", '
    fields += '"l": ["a", 1, true], "d": [["é"], 1]}'
    metadata = load("a.jsonl", f'{{"text": "a", "metadata": {fields}}}')[0].metadata
    assert {key: metadata[key] for key in ("n", "big", "o.k", "o.in.k", "given_source", "l", "d")} == {
        "n": "NaN",
        "big": "123456789012345678901234567890",
        "o.k": "é",
        "o.in.k": 2,
        "given_source": "wiki",
        "l": ["a", 1, True],
        "d": '[["é"], 1]',
    }


def test_lone_surrogates_and_bad_bytes_in_a_line(load):
    note, document = load("a.jsonl", '{"text": "a\\ud800 Größe '.encode() + b'\xff"}')
    assert document.text == "a\ufffd Größe \ufffd"
    assert document.metadata["replaced_bytes"] == 1
    assert (note.place, note.note.code, note.note.values["count"]) == ("line 1", "bad_characters", 1)


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("a.jsonl", '{"text": "fine \\ud83d\\ude00"}\n{"text": "a\\ud83d b\\u0000"}\n', [("line 2", 2)]),
        ("a.jsonl", '{"text": "a", "title": "\\udc00", "metadata": {"k\\ud800": ["\\ud801"]}}\n', [("line 1", 3)]),
        (
            "a.json",
            '[{"text": "a"}, {"text": "b\\ud800"}, {"name": "c", "of": {"d": "\\udfff"}}]',
            [("item 2", 1), ("item 3", 1)],
        ),
        ("a.json", '{"name": "pump", "note": "\\ud800", "emoji": "\\ud83d\\ude00"}', [("", 1)]),
        ("a.ipynb", '{"cells": [{"cell_type": "markdown", "source": "a\\ud800"}]}', [("", 1)]),
        ("a.json", '[{"text": "\\\\ud800 is an escape"}]', []),
    ],
)
def test_halves_of_pairs_are_reported_with_their_row_and_not_as_an_encoding(load, name, content, places):
    items = load(name, content)
    notes = [item for item in items if isinstance(item, Skipped)]
    assert [(note.place, note.note.values["count"]) for note in notes] == places
    assert all("U+FFFD" in note.reason and "half of a surrogate pair" in note.reason for note in notes)
    for item in items:
        if not isinstance(item, Skipped):
            assert "replaced_bytes" not in item.metadata
            item.text.encode()


def test_the_first_of_two_ids_is_kept(load):
    lines = ['{"id": "1", "text": "a"}', '{"id": 2, "text": "b"}', '{"id": 1, "text": "c"}']
    first, second, skipped = load("a.jsonl", "\n".join(lines))
    assert (first.text, second.text) == ("a", "b")
    assert (skipped.place, skipped.reason) == ("line 3", "the id '1' is already used at line 1")


def test_an_endless_line_is_skipped_by_its_number(load, monkeypatch):
    monkeypatch.setattr(decoding, "LONGEST_LINE", 100)
    documents = load("a.jsonl", '{"text": "one"}\n' + "x" * 1050 + '\n{"text": "three"}\n' + "y" * 101)
    assert [getattr(item, "place", None) or item.text for item in documents] == ["one", "line 2", "three", "line 4"]
    assert "longer than" in documents[1].reason


def test_json_lines_with_a_mark_or_in_utf16(load):
    line = '{"id": "1", "text": "Grüße"}\r\n{"id": "2", "text": "zwei"}\r\n'
    for content in (line.encode("utf-8-sig"), line.encode("utf-16")):
        assert [item.text for item in load("a.jsonl", content)] == ["Grüße", "zwei"]


def test_a_beir_corpus(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "4", "title": "T", "text": "a", "metadata": {}}\n')
    [source] = discover([tmp_path])[0]
    [document] = read(source)
    assert (document.id, document.title, document.metadata["format"]) == ("4", "T", "beir")


def test_csv_with_a_text_column(load):
    first, second = load("a.csv", 'ID,Title,Content,Colour\n1,T,"a, ""b""\nc",red\n,,d,\n')
    assert (first.id, first.title, first.text, first.metadata["Colour"]) == ("1", "T", 'a, "b"\nc', "red")
    assert second.id.endswith("a.csv#row=2")
    assert (second.title, second.text) == ("", "d")
    assert "Colour" not in second.metadata


def test_csv_without_a_text_column(load):
    [document] = load("a.csv", "id,name,price,name\n9,Chair,10,x\n")
    assert document.id == "9"
    assert document.text == "id: 9\nname: Chair\nprice: 10\nname 4: x"
    assert document.columns == ("id", "name", "price", "name 4")
    assert document.title == ""
    assert document.metadata["price"] == "10"


def test_csv_with_a_text_and_no_title_is_titled_by_the_column_that_names_its_rows(load):
    [document] = load("a.csv", "sku,body,price\nZX-9,A long text,7\n")
    assert (document.title, document.text, document.columns) == ("ZX-9", "A long text", ())
    assert document.metadata["sku"] == "ZX-9"


def test_every_passage_of_a_row_names_its_key(load):
    notes = "; ".join(f"Rule {number} binds the owner" for number in range(60))
    [document] = load("a.csv", f"part,notes,stock\nQ-8,{notes},12\n")
    passages = Splitter(lambda text: len(text.split()), 50).split(document)
    assert len(passages) > 5
    assert all("Q-8" in passage.text for passage in passages)
    assert "stock: 12" in passages[-1].text


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ";"), ("a.csv", "\t"), ("a.csv", "|"), ("a.tsv", "\t")])
def test_the_delimiter_is_seen(load, name, mark):
    [document] = load(name, f"id{mark}text\n1{mark}some, text\n")
    assert (document.id, document.text) == ("1", "some, text")


@pytest.mark.parametrize(
    ("name", "first"),
    [("a.csv", "sep=;"), ("a.csv", '"sep=;"'), ("a.csv", "\ufeffSEP=;"), ("a.csv", "sep=\t"), ("a.tsv", "sep=|")],
)
def test_the_first_line_may_name_the_delimiter(load, name, first):
    mark = first.strip('"')[-1]
    [document] = load(name, f"{first}\r\nid{mark}text\r\n1{mark}some\r\n")
    assert (document.id, document.text) == ("1", "some")


def test_the_delimiter_is_seen_below_a_line_end_in_a_name(load):
    [document] = load("a.csv", '"size\nin mm";colour\n7;red\n')
    assert document.text == "size\nin mm: 7\ncolour: red"
    [document] = load("b.csv", 'sep=,\n"size\nin mm",colour\n7,red\n')
    assert document.metadata["colour"] == "red"


def test_rows_may_end_with_a_delimiter(load):
    first, second = load("a.csv", "id,text,year\nt1,kiwis,2020,\nt2,plums,2021, ,\n")
    assert (first.text, first.metadata["year"], second.metadata["year"]) == ("kiwis", "2020", "2021")


def test_space_around_cells_is_no_part_of_ids_and_metadata(load):
    [document] = load("a.csv", "id, text , year\nsp1, padded text , 2020\n")
    assert (document.id, document.text.strip(), document.metadata["year"]) == ("sp1", "padded text", "2020")
    assert load("b.csv", "id, name , year\n sp1 , Ann , 2020\n")[0].text == "id: sp1\nname: Ann\nyear: 2020"


ROWS = 'id,text\nq1,fine row\nq2,"unterminated about pears\n'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ROWS + "q3,plums\nq4,cherries\n", ["fine row", ("row 2", "line 3", "lines 3 to 5 were not read")]),
        (
            ROWS + 'q3,"plums"\n"q4",cherries\n',
            ["fine row", ("row 2", "line 3", "lines 3 to 4 were not read"), "cherries"],
        ),
        (ROWS, ["fine row", "unterminated about pears\n"]),
        ('sep=,\nid,text\n\n1,"a\n2,b\n', [("row 1", "line 4", "lines 4 to 5 were not read")]),
        ('id,text\n1,"Big" bang\n2,b "c"\n', ["Big bang", 'b "c"']),
        ('id,"text\n1,a\n', [("the header", "line 1", "lines 1 to 2 were not read"), ("", "empty", "no rows")]),
    ],
)
def test_an_unclosed_quote_is_reported_with_the_lines_that_it_took_in(load, content, expected):
    items = load("a.csv", content)
    assert len(items) == len(expected)
    for item, text in zip(items, expected, strict=True):
        if isinstance(item, Document):
            assert item.text == text
        else:
            place, *words = text
            assert item.place == place
            assert all(word in item.reason for word in words)


def test_rows_that_end_with_a_carriage_return(load):
    content = 'id,text\r1,"two\rlines"\r2,world\r'
    assert [(item.id, item.text) for item in load("mac.csv", content)] == [("1", "two\rlines"), ("2", "world")]


def test_a_bad_row_is_skipped_and_the_rest_is_read(load):
    documents = load("a.csv", "id,text\n1,a\n2,b\n\n1,d\n4,\n5,e\n")
    assert [item.text if isinstance(item, Document) else (item.place, item.reason) for item in documents] == [
        "a",
        "b",
        ("row 3", "the id '1' is already used at row 1"),
        ("row 4", "empty: no text"),
        "e",
    ]


@pytest.mark.parametrize(
    ("content", "row", "column"),
    [
        ("id,text,year\n1,Pay now,2023\n2,Pay now, or later,2024\n", ["2", "Pay now, or later", "2024"], "text"),
        ("id,text,year\n2,Pay now, or later,2024\n", ["2", "Pay now, or later", "2024"], "text"),
        ("sku,name,price\nA1,Nut,0.1\nB2,Bolts, steel,4.5\n", ["B2", "Bolts, steel", "4.5"], "name"),
        ("sku,name,price\nA1,Nut,0.1\nB2,Bolts,steel,4.5\n", ["B2", "Bolts,steel", "4.5"], "name"),
        ("city,note\nBonn,a town\nSan Jose, California,warm\n", ["San Jose, California", "warm"], "city"),
        ("a,b,c\n1,2,3\n1,2,3,4,5\n", ["1", "2", "3,4,5"], "c"),
        ("a;b\nx;1\ny;z;2\n", ["y;z", "2"], "a"),
        ("a,b\nx,1\ny, z,2,,\n", ["y, z", "2"], "a"),
        ("id\ttext\n1\tx\n2\ty\tz\n", ["2", "y\tz"], "text"),
    ],
)
def test_a_row_with_an_unquoted_separator_is_kept_and_named(load, content, row, column):
    *_, skipped, document = load("a.tsv" if "\t" in content else "a.csv", content)
    assert skipped.place == f"row {content.count(chr(10)) - 1}"
    assert f"the row is kept, and the column '{column}' has the cells in the middle" in skipped.reason
    header = content.splitlines()[0]
    columns = header.replace(";", ",").replace("\t", ",").split(",")
    for name, cell in zip(columns, row, strict=True):
        if name == "id":
            assert document.id == cell
        elif name == "text":
            assert document.text == cell
        else:
            assert document.metadata[name] == cell
            assert f"{name}: {cell}" in document.text or "text" in columns


@pytest.mark.parametrize("seed", range(20))
def test_no_character_of_a_long_row_is_lost(load, seed):
    draw = random.Random(seed)
    rows = [
        [f"c{draw.randrange(99)} " + " " * draw.randrange(2) for _ in range(draw.randrange(3, 8))] for _ in range(9)
    ]
    content = "one,two,three\n" + "".join(",".join(row) + "\n" for row in rows)
    documents = [item for item in load("a.csv", content) if isinstance(item, Document)]
    assert len(documents) == len(rows)
    for document, row in zip(documents, rows, strict=True):
        shown = "".join(str(document.metadata[name]) for name in ("one", "two", "three"))
        assert re.sub(r"[\s,]", "", shown) == re.sub(r"\s", "", "".join(row))


def test_a_csv_with_a_first_row_only_is_skipped(load):
    [skipped] = load("a.csv", "id,text\n")
    assert "no rows" in skipped.reason


def test_a_long_cell_is_read_and_the_csv_module_is_left_as_it_was(load):
    before = csv.field_size_limit()
    assert before < 200_000
    [document] = load("a.csv", "id,text\n1," + "x" * 200_000 + "\n")
    assert len(document.text) == 200_000
    assert csv.field_size_limit() == before


def test_a_cell_over_the_limit_is_skipped_and_the_rest_is_read(load, monkeypatch):
    monkeypatch.setattr(csv_reader, "LONGEST_LINE", 50)
    documents = load("a.csv", "id,text\n1," + "x" * 60 + "\n2,b\n")
    assert (documents[0].place, "limit" in documents[0].reason) == ("row 1", True)
    assert documents[1].text == "b"


def test_an_endless_csv_line_is_skipped(load, monkeypatch):
    monkeypatch.setattr(decoding, "LONGEST_LINE", 100)
    documents = load("a.csv", "id,text\n1,a\n" + "x" * 500 + "\n2,b\n")
    assert [item.text if isinstance(item, Document) else item.place for item in documents] == ["a", "line 3", "b"]


def test_the_limits_are_those_of_one_table():
    assert jsonl.LONGEST_LINE == csv_reader.LONGEST_LINE == decoding.LONGEST_LINE == 50_000_000


def test_a_source_can_be_read_twice(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\nx\n")
    source = Source(path, "csv")
    assert list(read(source)) == list(read(source))


def test_a_title_above_the_header_of_a_csv_file_names_no_column(load):
    north, south, above = load("a.csv", "Sales 2024,,\nin crowns,,\nRegion,Q1,Q2\nNorth,10,12\nSouth,8,\n")
    assert (north.text, south.text) == ("Region: North\nQ1: 10\nQ2: 12", "Region: South\nQ1: 8")
    assert (above.text, above.id.rsplit("#", 1)[1]) == ("Sales 2024\nin crowns", "above")
    [document] = load("b.csv", "name,\nAnn,\n")
    assert document.metadata["name"] == "Ann"


DATA_ROWS = [
    "Ann Weber,42,Bonn\nBob Stein,37,Kiel\nCleo Vogt,51,Ulm\n",
    "42;Ann Weber;1,5\n37;Bob Stein;2,25\n",
    "2024-03-01,kiwis,cold\n2024-03-02,plums,warm\n",
    "ann@example.org,Ann\nbob@example.org,Bob\n",
    "How do I log in?,Press the blue button on the left.\nWho pays?,The buyer pays for the parcel in full.\n",
    "spam,Win a prize with one call today!\nham,Lunch at noon in the usual place.\nspam,Buy one watch for two!\n",
    "red,small\nblue,small\nred,large\n",
    "yes\nno\nyes\n",
    "怎样登录,请先点击左上角的蓝色按钮然后输入密码。\n谁付款,买方在收到包裹以后的七天之内付款。\n",
    "n/a,7\n5,8\n6,9\n",
    "Ann,1990\nBob,1985\n",
    "Ann Weber,42,Bonn\n",
]
HEADERS = [
    "Name,Age,Town\nAnn,42,Bonn\n",
    "Region,2022,2023,2024\nNorth,10,12,14\nSouth,8,9,11\n",
    "Place,1,2,3\nNorth,10,12,14\nSouth,8,9,11\n",
    ",0,1\n0,5,7\n1,6,8\n",
    "0,1,2\n5,7,1\n6,8,1\n",
    "city,note\nBonn,a town\nKiel,a port\n",
    "sku,unit,price\nA1,unit,2\nB2,kg,3\n",
    "How satisfied are you with the service of our branch?,Any other wish?\nvery,no\nnot at all,no\n",
    "city,colour\nBonn,red\ncity,colour\nKiel,blue\n",
    "text,label\npos,pos\npos,neg\n",
    "text\ntext\n",
    "Country,Population\nMalta,unknown\nFiji,-\nTonga,100000\n",
]


@pytest.mark.parametrize("content", DATA_ROWS)
def test_a_first_row_that_is_like_the_others_is_data(load, content):
    note, *documents = load("a.csv", content)
    assert note.note == Note("no_header", column="column 1")
    assert note.reason.startswith("row 1 is like the other rows")
    rows = content.splitlines()
    assert [document.metadata["column 1"] for document in documents] == [re.split("[,;]", row)[0] for row in rows]
    shown = [re.sub(r"\ncolumn \d: ", ",", document.text.removeprefix("column 1: ")) for document in documents]
    assert shown == [row.replace(";", ",") for row in rows]
    assert [document.id.rsplit("#")[-1] for document in documents] == [f"row={n}" for n in range(1, len(rows) + 1)]


@pytest.mark.parametrize("content", HEADERS)
def test_a_first_row_of_names_is_a_header(load, content):
    documents = load("a.csv", content)
    assert all(isinstance(document, Document) for document in documents)
    assert len(documents) == content.count("\n") - 1


def test_rows_without_a_header_may_differ_in_length(load):
    content = "7,a,x\n8,b,y,more\n9,c\n10,d,z\n"
    no_header, first, extra, *rest = load("a.csv", content)
    documents = [first, *rest]
    assert (no_header.note.code, extra.note.code) == ("no_header", "extra_cells")
    assert [list(document.metadata.values())[2:] for document in documents] == [
        ["7", "a", "x"],
        ["8", "b", "y,more"],
        ["9", "c"],
        ["10", "d", "z"],
    ]


def test_lines_before_and_inside_the_sample_are_reported_in_order(load, monkeypatch):
    monkeypatch.setattr(decoding, "LONGEST_LINE", 20)
    items = load("a.csv", "x" * 30 + "\n1,a\n" + "y" * 30 + '\n2,b\n3,"c\n')
    codes = [item.note.code if isinstance(item, Skipped) else item.metadata["column 1"] for item in items]
    assert codes == ["line_too_long", "no_header", "1", "line_too_long", "2", "3"]
