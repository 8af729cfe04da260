"""A map that moves its pairs into a temporary file."""

import sqlite3

import pytest

from shortlist.disk_map import DiskMap
from shortlist.errors import IndexWriteFailed


@pytest.mark.parametrize("in_memory", [0, 1, 3, 100])
def test_it_is_a_dict_of_first_values(in_memory):
    pairs = [(f"key {i % 7}", f"value {i}") for i in range(50)] + [("", "empty key"), ("with\0nul", ""), ("ключ", "é")]
    ours, reference = DiskMap(in_memory), {}
    for key, value in pairs:
        assert ours.setdefault(key, value) == reference.setdefault(key, value)
        assert key in ours
        assert "never added" not in ours
        assert len(ours) == len(reference)
    assert [ours.setdefault(key, "later") for key in reference] == list(reference.values())


def test_an_empty_map_has_no_key():
    assert len(DiskMap()) == 0
    assert "" not in DiskMap()


def test_a_full_disk_is_an_error(monkeypatch):
    class Full:
        def execute(self, *_):
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: Full())
    pairs = DiskMap(1)
    pairs.setdefault("a", "1")
    with pytest.raises(IndexWriteFailed, match=r"cannot write a temporary file in .*: database or disk is full"):
        pairs.setdefault("b", "2")
