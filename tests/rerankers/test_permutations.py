"""Windows, prompts and answers of listwise reranking."""

from __future__ import annotations

import itertools

import pytest

from shortlist.rerankers.permutations import (
    MAX_CHARACTERS,
    MAX_WORDS,
    WindowOrder,
    messages,
    read_order,
    shortened,
    windows,
)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, []),
        (2, [(0, 2)]),
        (20, [(0, 20)]),
        (25, [(5, 25), (0, 15)]),
        (40, [(20, 40), (10, 30), (0, 20)]),
    ],
)
def test_windows_go_from_the_back_to_the_front_and_reach_the_first_entry(count, expected):
    assert windows(count) == expected


@pytest.mark.parametrize("count", [2, 19, 21, 30, 31, 99, 100])
def test_every_entry_is_in_a_window_and_neighbouring_windows_overlap(count):
    spans = windows(count)
    assert {place for start, end in spans for place in range(start, end)} == set(range(count))
    assert all(later[1] - earlier[0] == 10 for earlier, later in itertools.pairwise(spans))


@pytest.mark.parametrize(
    ("answer", "places"),
    [
        ("[2] > [3] > [1]", [1, 2, 0]),
        ("[2]>[3]>[1]", [1, 2, 0]),
        ("[2], [3], [1]", [1, 2, 0]),
        ("[2]\n[3]\n[1]\n", [1, 2, 0]),
        ("1. [2]\n2. [3]\n3. [1]", [1, 2, 0]),
        ("2 > 3 > 1", [1, 2, 0]),
        ("[2, 3, 1]", [1, 2, 0]),
        ("The ranking of the 3 passages is: 2 > 3 > 1.", [1, 2, 0]),
        ("Passage [1] is short and [2] is long, so: [2] > [3] > [1]", [1, 2, 0]),
        ("<think>[1] > [2] > [3]? No.</think>[2] > [3] > [1]", [1, 2, 0]),
        ("[1] > [2] > [3]\n\nOn reflection:\n\nbetter [2] > [3] > [1]", [1, 2, 0]),
    ],
)
def test_orders_that_are_read_without_a_fault(answer, places):
    assert read_order(answer, 3) == WindowOrder(places)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[3]", WindowOrder([2, 0, 1], missing=2)),
        ("3", WindowOrder([2, 0, 1], missing=2)),
        ("[3] > [3] > [1]", WindowOrder([2, 0, 1], missing=1, repeated=1)),
        ("[0] > [3] > [4] > [2] > [1]", WindowOrder([2, 1, 0], unknown=2)),
        (f"[{'9' * 5000}] > [2] > [1] > [3]", WindowOrder([1, 0, 2], unknown=1)),
        ("<think>[2] > [1] > [3]", WindowOrder([0, 1, 2], readable=False)),
        ("I cannot rank these 3 passages.", WindowOrder([0, 1, 2], readable=False)),
        ("[7] > [8]", WindowOrder([0, 1, 2], readable=False)),
        ("", WindowOrder([0, 1, 2], readable=False)),
    ],
)
def test_faults_are_counted_and_every_place_stays(answer, expected):
    assert read_order(answer, 3) == expected
    assert sorted(expected.places) == [0, 1, 2]


def test_a_passage_is_cut_to_its_first_words_and_its_brackets_are_no_identifiers():
    assert shortened("see [12] and\n[x]") == ("see (12) and [x]", False)
    assert shortened("w " * MAX_WORDS) == (("w " * MAX_WORDS).strip(), False)
    assert shortened("w " * (MAX_WORDS + 1)) == (("w " * MAX_WORDS).strip(), True)
    assert shortened("本" * (MAX_CHARACTERS + 1)) == ("本" * MAX_CHARACTERS, True)


def test_the_prompt_numbers_the_passages_from_1():
    system, task = messages("when is tax due", ["cats", "april"])
    assert (system["role"], task["role"]) == ("system", "user")
    assert "[1] cats\n\n[2] april" in task["content"]
    assert "Rank the 2 passages above" in task["content"]
