"""Filters on indexes that an earlier version made."""

from __future__ import annotations

import pytest

from shortlist.errors import InvalidInput
from shortlist.indexes.points import FORM, parts_of


def test_an_index_without_single_headings_refuses_them():
    for where in ({"title": "Setup"}, {"title": {"ne": "Setup"}}, {"title": {"ieq": "setup"}}):
        with pytest.raises(
            InvalidInput, match=r"each heading with all headings above it alone: give these, too"
        ) as error:
            parts_of(where, 2)
        assert error.value.field == "where"
        assert parts_of(where, FORM)


def test_an_index_without_single_headings_finds_whole_titles():
    where = {"title": "Guide > Setup", "year": {"gte": 2024}}
    assert parts_of(where, 2) == parts_of(where, FORM)


def test_an_index_of_equality_alone_refuses_the_rest():
    with pytest.raises(InvalidInput, match="stored values for = and != alone: make the index again"):
        parts_of({"year": {"gte": 2024}}, 1)
    assert parts_of({"year": 2024}, 1) == parts_of({"year": 2024}, FORM)
