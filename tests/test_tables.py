"""Tables and records: merged cells are resolved, and every passage names the columns of its cells."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.text import Splitter
from shortlist.text.table_pieces import find_tables
from shortlist.text.tables import Cell, markdown
from shortlist.types import Document, Passage


def tokens(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


def split(text: str, limit: int, form: str = "md", columns: tuple[str, ...] = ()) -> list[Passage]:
    return Splitter(tokens, limit).split(Document("d", text, "", {"format": form}, columns))


def cells(line: str, **options: object) -> list[Cell]:
    return [Cell(text.strip(), **options) for text in line.split(",")]


BOATS = "| Boat | Length (m) | Berths |\n| --- | ---: | --- |\n" + "".join(
    f"| Type {number} | {number}.5 | {number % 7} |\n" for number in range(60)
)


@pytest.mark.parametrize("form", ["md", "html", "pdf", "txt"])
def test_every_passage_of_a_table_names_the_columns(form):
    passages = split(f"# Fleet\n\nAll boats.\n\n{BOATS}\nThe end.\n", 90, form)
    rows = [passage for passage in passages if "Type" in passage.text]
    assert len(rows) > 8
    assert all("| Boat | Length (m) | Berths |\n| --- | ---: | --- |\n| Type" in passage.text for passage in rows)
    assert sum(passage.text.count("| Type") for passage in rows) == 60
    assert all(tokens(passage.content) <= 90 for passage in passages)
    assert not any(line and line.count("|") not in (0, 4) for p in passages for line in p.text.split("\n"))


def test_a_counter_whose_counts_do_not_add_up_loses_no_names():
    for divisor in (2, 3, 5):
        splitter = Splitter(lambda text, divisor=divisor: (len(text.split()) * 4 + 2) // divisor, 60)
        passages = splitter.split(Document("d", f"# Fleet\n\nAll boats.\n\n{BOATS}", "", {"format": "md"}))
        assert all("| Boat | Length (m) |" in passage.text for passage in passages if "| Type" in passage.text)


def test_a_heading_stays_with_the_table_below_it():
    passages = split(f"# Fleet\n\n{BOATS}", 90)
    assert passages[0].text.startswith("# Fleet\n\n| Boat |")
    assert "| Type 0 |" in passages[0].text


def test_offsets_are_those_of_the_rows_without_the_repeated_names():
    text = f"# Fleet\n\n{BOATS}"
    last = split(text, 90)[-1]
    assert last.text == f"| Boat | Length (m) | Berths |\n| --- | ---: | --- |\n{text[last.start : last.end]}"


def test_a_table_that_fits_is_one_passage_with_its_rows():
    small = "| a | b |\n|-|-|\n| one | two |\n"
    passages = split("Words before the table. " * 12 + f"\n\n{small}\n" + "And words after it. " * 12, 60)
    assert [small.strip() in passage.text for passage in passages].count(True) == 1


def test_tables_without_outer_pipes_and_after_each_other():
    text = "a | b\n--- | ---\n" + "one | two\n" * 30 + "\nx | y\n- | -\n" + "three | four\n" * 30
    for passage in split(text, 40):
        assert ("one" not in passage.text) or "a | b\n--- | ---" in passage.text
        assert ("three" not in passage.text) or "x | y\n- | -" in passage.text


def test_a_row_that_does_not_fit_names_its_columns_and_its_first_cell():
    long = " ".join(f"word{number}" for number in range(120))
    text = f"| Part | Notes | Stock |\n|-|-|-|\n| Q-7 | short | 1 |\n| Q-8 | {long} | 12 |\n| Q-9 | last | 3 |\n"
    passages = split(text, 50)
    for passage in passages:
        if "word" in passage.text:
            assert "Q-8" in passage.text
            assert "Notes" in passage.text
        if "| 12 |" in passage.text:
            assert "Stock" in passage.text
            assert "Q-8" in passage.text
        if "Q-9" in passage.text:
            assert "| Part | Notes | Stock |" in passage.text
    assert sorted(re.findall(r"word\d+", " ".join(passage.text for passage in passages))) == sorted(long.split())


def test_a_table_of_many_columns_names_the_columns_of_each_part():
    names = [f"Column {number}" for number in range(40)]
    rows = [[f"Row {row}", *(f"value-{row}-{column}" for column in range(1, 40))] for row in range(3)]
    text = "\n".join("| " + " | ".join(line) + " |" for line in [names, ["-"] * 40, *rows])
    for passage in split(text, 60):
        for row, column in re.findall(r"value-(\d+)-(\d+)", passage.text):
            assert f"Column {column} |" in passage.text
            assert f"| Row {row} |" in passage.text


@pytest.mark.parametrize(
    "text",
    ["a | b\n---\n", "| a |\n|-|-|\n| b |", "---|---\n", "|-|-|", "text\n|:|:|\n", "a | b\n\n|-|-|\n", "", "|\n-\n"],
)
def test_what_is_no_table(text):
    assert find_tables(text) == []


def test_a_pipe_after_a_backslash_belongs_to_the_cell():
    [table] = find_tables("| a \\| b | c |\n|-|-|\n| 1 \\| 2 | 3 |\n")
    assert table == (0, 21, 36)


def test_every_passage_of_a_record_names_its_first_column_and_the_column_it_begins_in():
    notes = ". ".join(f"Rule {number} binds the owner" for number in range(60))
    text = f"number: ZX-9\nnotes: {notes}\nwarranty: 36 months\nsummary: {notes}"
    passages = split(text, 60, "csv", ("number", "notes", "warranty", "summary"))
    assert len(passages) > 8
    assert all(passage.text.startswith("number: ZX-9\n") for passage in passages)
    for passage in passages:
        assert re.match(r"number: ZX-9\n(notes|warranty|summary): ", passage.text)
    found = " ".join(passage.text for passage in passages)
    assert [len(re.findall(rf"Rule {number} ", found)) for number in range(60)] == [2] * 60


def test_a_short_record_is_one_passage_and_repeats_nothing():
    [passage] = split("a: 1\nb: two", 50, "csv", ("a", "b"))
    assert passage.text == "a: 1\nb: two"


def test_a_record_with_a_long_first_value_shortens_it_in_the_repetition():
    text = "title: " + "very " * 80 + "long\nprice: 7\nnotes: " + "many words " * 40
    passages = split(text, 50, "csv", ("title", "price", "notes"))
    assert all(passage.text.startswith("title: very") for passage in passages)
    assert all(tokens(passage.content) <= 50 for passage in passages)


WORD = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="|\\"), min_size=1, max_size=9)
TEXT = st.lists(WORD, max_size=12).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), limit=st.integers(12, 70), form=st.sampled_from(["table", "record"]))
def test_no_character_of_any_table_or_record_is_lost(data, limit, form):
    width = data.draw(st.integers(2, 6))
    rows = data.draw(st.lists(st.lists(TEXT, min_size=width, max_size=width), min_size=2, max_size=8))
    if form == "table":
        text = markdown([[Cell(cell) for cell in row] for row in rows], 1)
        columns: tuple[str, ...] = ()
    else:
        columns = tuple(f"column{number}" for number in range(len(rows)))
        text = "\n".join(f"{column}: {' '.join(row)}" for column, row in zip(columns, rows, strict=True))
    covered = bytearray(len(text))
    last = 0
    for passage in split(text, limit, "md", columns):
        assert tokens(passage.content) <= limit
        assert passage.text.endswith(text[passage.start : passage.end])
        assert last <= passage.start < passage.end
        covered[passage.start : passage.end] = b"x" * (passage.end - passage.start)
        last = passage.end
    rest = "".join(c for c, mark in zip(text, covered, strict=True) if not mark)
    assert not rest.strip("|- \n" if form == "table" else None)


def test_a_cell_over_several_rows_or_columns_is_copied():
    rows = [
        [Cell("Crop"), Cell("Yield", columns=2), Cell("Price", columns=2)],
        [Cell(""), *cells("2023, 2024, 2023, 2024")],
        [Cell("Rye", rows=2), *cells("1, 2, 3, 4")],
        cells("5, 6, 7, 8"),
        [Cell("Oats"), Cell("none", columns=2), *cells("9, 10")],
    ]
    assert markdown(rows).split("\n") == [
        "| Crop | Yield 2023 | Yield 2024 | Price 2023 | Price 2024 |",
        "|-|-|-|-|-|",
        "| Rye | 1 | 2 | 3 | 4 |",
        "| Rye | 5 | 6 | 7 | 8 |",
        "| Oats | none | none | 9 | 10 |",
    ]


def test_blank_cells_keep_their_place_and_a_cell_over_the_whole_row_stands_once():
    rows = [cells("A, B, C"), [Cell("Section", columns=3)], cells("1, , 3"), cells(", 2, ")]
    assert markdown(rows) == "| A | B | C |\n|-|-|-|\n| Section |  |  |\n| 1 |  | 3 |\n|  | 2 |  |"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([cells("1, 2"), cells("3, 4")], "1 | 2\n3 | 4"),
        ([cells("Name, Age")], "Name | Age"),
        ([cells("one"), cells("two")], "one\ntwo"),
        ([], ""),
        ([cells(" , "), cells(" , ")], ""),
        ([[Cell("Name", header=True), Cell("Ann")], [Cell("Age", header=True), Cell("7")]], "Name | Ann\nAge | 7"),
        ([[Cell("a" * 500), Cell("b")], cells("c, d")], "a" * 500 + " | b\nc | d"),
    ],
)
def test_a_table_without_names_is_lines(rows, expected):
    assert markdown(rows) == expected


def test_a_header_row_below_merged_cells_is_not_taken_for_data():
    rows = [[Cell("Dose", columns=2), Cell("Effect", columns=2)], cells("mg, ml, low, high"), cells("10, 2, 3, 4")]
    assert markdown(rows).startswith("| Dose mg | Dose ml | Effect low | Effect high |\n")
    names = [
        [Cell("Early", columns=2), Cell("Late", columns=2)],
        cells("Ann, Bea, Cy, Di"),
        cells("Eve, Flo, Gus, Hal"),
    ]
    assert markdown(names).startswith("| Early | Early | Late | Late |\n")


@pytest.mark.slow
def test_spans_without_end_take_no_memory():
    many = [[Cell("x", columns=10**6, rows=10**6), Cell("y")]] * 500
    assert markdown(many).count("y") == 500
    wide = [[Cell(f"c{number}") for number in range(1000)]] + [[Cell("all", columns=1000)]] * 4000
    assert len(markdown(wide)) < 10**7


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.lists(st.builds(Cell, WORD, st.integers(-1, 4), st.integers(-1, 4), st.booleans()), max_size=5), max_size=6
    )
)
def test_every_cell_of_any_grid_is_in_the_text(rows):
    text = markdown(rows)
    for row in rows:
        for cell in row:
            assert cell.text in text
    widths = {line.count(" |") for line in text.split("\n") if line.startswith("| ")}
    assert len(widths) <= 1 or "|-" not in text
