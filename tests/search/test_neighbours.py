"""A passage with its neighbours."""

import pytest

from shortlist.errors import InvalidInput
from shortlist.search.neighbours import with_neighbours
from shortlist.types import Passage

STORED = {f"a.md#{n}": Passage(f"a.md#{n}", f"text {n}", "a.md") for n in range(5)} | {
    "own": Passage("own", "text", "own"),
    "b#1": Passage("b#1", "text", "b#1"),
    "b#2": Passage("b#2", "text", "b#2"),
}


def get(ids):
    return [STORED[key] for key in ids if key in STORED]


@pytest.mark.parametrize(
    ("key", "count", "ids"),
    [
        ("a.md#2", 0, ["a.md#2"]),
        ("a.md#2", 1, ["a.md#1", "a.md#2", "a.md#3"]),
        ("a.md#0", 2, ["a.md#0", "a.md#1", "a.md#2"]),
        ("a.md#4", 20, [f"a.md#{n}" for n in range(5)]),
        ("own", 3, ["own"]),
        ("b#1", 3, ["b#1"]),
    ],
)
def test_neighbours_are_in_the_order_of_the_document(key, count, ids):
    assert [passage.id for passage in with_neighbours(get, key, count)] == ids


@pytest.mark.parametrize(
    ("key", "count", "message"),
    [("a.md#9", 1, "no passage 'a.md#9'"), ("#", 1, "no passage '#'"), ("own", -1, "0 to 20"), ("own", 21, "is 21")],
)
def test_bad_input_is_an_error(key, count, message):
    with pytest.raises(InvalidInput, match=message):
        with_neighbours(get, key, count)
