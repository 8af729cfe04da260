import math
from datetime import date

import pytest

from shortlist.documents import checked
from shortlist.errors import InvalidInput
from shortlist.types import Document


def test_documents_and_dicts_keep_their_order_and_fields():
    given = ({"id": 7, "text": "t", "title": None, "metadata": None}, Document("x", "u", "T", {"source": "s", "n": 1}))
    assert checked(iter(given)) == [Document("7", "t"), Document("x", "u", "T", {"source": "s", "n": 1})]
    assert checked([]) == []


def test_characters_that_cannot_be_stored_are_replaced_and_counted():
    (document,) = checked([{"id": "x", "text": "a\x00b\ud800", "title": "\x00", "metadata": {"k\x00": "v\x00"}}])
    assert document == Document("x", "a\ufffdb\ufffd", "\ufffd", {"k\ufffd": "v\ufffd", "replaced_bytes": 2})


def test_metadata_becomes_values():
    given = {
        "none": None,
        "yes": True,
        "list": [1, "a"],
        "tuple": ("red", 2),
        "nested": [("a",)],
        "big": 2**63,
        "nan": math.nan,
        "half": 0.5,
    }
    (document,) = checked([{"id": "x", "text": "t", "metadata": given}])
    assert document.metadata == {
        "yes": True,
        "list": [1, "a"],
        "tuple": ["red", 2],
        "nested": '[["a"]]',
        "big": str(2**63),
        "nan": "NaN",
        "half": 0.5,
    }


OK = {"id": "a", "text": "t"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([OK, {"text": "t"}], "document 2 of 2 has no id"),
        ([{"id": None, "text": "t"}], "document 1 of 1 has no id"),
        ([{"id": " ", "text": "t"}], "document 1 of 1: its id is empty"),
        ([{"id": True, "text": "t"}], "its id is of type bool"),
        ([{"id": 1.5, "text": "t"}], "its id is of type float, not a string or a whole number"),
        ([{"id": "a\x00", "text": "t"}], "its id has characters that are not text"),
        ([{"id": ":memory:", "text": "t"}], "names all documents that come from no file"),
        ([OK, {"id": "b", "text": "t"}, OK], "document 3 of 3 has the id 'a' of document 1"),
        ([{"id": 1, "text": "t"}, {"id": "1", "text": "u"}], "document 2 of 2 has the id '1' of document 1"),
        ([{"id": "a"}], r"document 1 of 1 \(id 'a'\): its text is None, not a string"),
        ([{"id": "a", "text": b"t"}], "its text is of type bytes, not a string"),
        ([Document("a", 3)], "its text is of type int, not a string"),
        ([{"id": "a", "text": " \n"}], "its text is empty"),
        ([{**OK, "title": 3}], "its title is of type int"),
        ([{**OK, "metadata": [1]}], "its metadata is of type list, not a dict"),
        ([{**OK, "metadata": {1: 2}}], "the name of the metadata field 1 is not a string"),
        ([{**OK, "metadata": {"day": date(2024, 1, 1)}}], "the metadata field 'day' is of type date"),
        ([{**OK, "year": 2024}], "has the unknown field 'year'; the fields are id, text, title, metadata"),
        (["t"], "document 1 of 1 is of type str: give a Document, or a dict"),
        (OK, "give a list of documents, not one dict"),
        (Document("a", "t"), "give a list of documents, not one Document"),
        ("text", "give a list of documents, not one str"),
        (None, "give a list of documents, not one NoneType"),
    ],
)
def test_bad_documents_are_named(given, message):
    with pytest.raises(InvalidInput, match=message):
        checked(given)
