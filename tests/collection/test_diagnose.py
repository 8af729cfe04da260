"""The reason for an answer without hits."""

import pytest

from hashed import add
from shortlist import registry
from shortlist.collection.diagnose import diagnose
from shortlist.types import Note
from shortlist.wording import describe

FIELDS = ["document_id", "lang", "title", "year"]
NOTES = [
    {"id": "x", "text": "x", "metadata": {"year": "2024"}},
    {"id": "y", "text": "y", "metadata": {"lang": "en"}},
    {"id": "z", "text": "z", "metadata": {"lang": "de"}},
]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, Note("no_match")),
        ({}, Note("no_match")),
        ({"year": 2024}, Note("no_match")),
        (
            {"yaer": 2024},
            Note("filter_unknown_field", field="yaer", fields=["document_id", "lang", "title", "year"], more=0),
        ),
        (
            {"year": "2023,2024", "lang": "en"},
            Note("filter_unknown_value", field="year", conditions=["year=2023,2024"], values=["2024"]),
        ),
        ({"year": 2024, "lang": "de"}, Note("filter_no_overlap")),
    ],
)
def test_an_empty_answer_is_explained(tmp_path, where, expected):
    add(NOTES, tmp_path / "i")
    with registry.INDEXES.open(tmp_path / "i") as collection:
        assert diagnose(collection.index, 32, where) == [expected]


def test_the_first_twenty_fields_are_listed(tmp_path):
    fields = {f"field{number:02}": number for number in range(30)}
    add([{"id": "x", "text": "x", "metadata": fields}], tmp_path / "i")
    with registry.INDEXES.open(tmp_path / "i") as collection:
        (note,) = diagnose(collection.index, 32, {"other": 1})
    assert (len(note.values["fields"]), note.values["more"]) == (20, 12)
    assert describe(note).endswith("field18 and 12 more")


def test_an_empty_index(tmp_path):
    add([], tmp_path / "i")
    with registry.INDEXES.open(tmp_path / "i") as collection:
        assert diagnose(collection.index, 32, {"year": 1}) == [Note("index_empty")]


@pytest.mark.parametrize(
    ("where", "conditions"),
    [
        ({"price": {"gt": 10, "lt": 5}}, ["price>10", "price<5"]),
        ({"price": {"gt": 5, "lte": 5}}, ["price>5", "price<=5"]),
        ({"price": {"gte": [1, 30], "lte": [100, 20]}}, ["price>=30", "price<=20"]),
        ({"day": {"gt": "2024-05", "lt": "2024-02-01"}}, ["day>2024-05", "day<2024-02-01"]),
        ({"price": {"gte": 1, "lte": 1}}, None),
        ({"price": {"gt": 100, "lt": 200}}, None),
        ({"price": {"gt": 100}}, None),
    ],
)
def test_an_empty_range_is_named(tmp_path, where, conditions):
    items = [{"id": "x", "text": "x", "metadata": {"price": 50, "day": "2024-03-01"}}]
    add(items, tmp_path / "i")
    with registry.INDEXES.open(tmp_path / "i") as collection:
        [note] = diagnose(collection.index, 32, where)
    if conditions is None:
        assert note.code == "filter_unknown_value"
    else:
        assert note.values["conditions"] == conditions
        assert f"{conditions[0]} and {conditions[1]}: the range is empty" in describe(note)


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ({"day": "2024-13"}, ". No calendar has the date 2024-13"),
        ({"day": ["soon", "2023-02-30"]}, ". No calendar has the date 2023-02-30"),
        ({"day": 20240102}, ". Write the date as 2024-01-02"),
        ({"day": {"lt": "20240102"}}, ". Write the date as 2024-01-02"),
        ({"day": 20241302}, "are '2024-03-01'"),
        ({"price": "3,5"}, ". Write the number with a decimal point: 3.5"),
        ({"price": "2023,2024"}, "are 50"),
        ({"code": "2024-14"}, "are '2024-13'"),
        ({"code": "20240102"}, "are '2024-13'"),
    ],
)
def test_a_value_in_a_form_that_no_passage_has_is_explained(tmp_path, where, hint):
    add([{"id": "x", "text": "x", "metadata": {"price": 50, "day": "2024-03-01", "code": "2024-13"}}], tmp_path / "i")
    with registry.INDEXES.open(tmp_path / "i") as collection:
        [note] = diagnose(collection.index, 32, where)
    assert note.code == "filter_unknown_value"
    assert describe(note).endswith(hint)


def test_a_list_may_be_on_both_sides_of_a_range(tmp_path):
    add([{"id": "x", "text": "x", "metadata": {"price": [3, 20]}}], tmp_path / "i")
    with registry.INDEXES.open(tmp_path / "i") as collection:
        assert diagnose(collection.index, 32, {"price": {"gt": 10, "lt": 5}}) == [Note("no_match")]
