"""Judged ids as the server shows them, resolved against an index with absolute sources."""

from __future__ import annotations

import pytest

from shortlist import QuerySet
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.query_set import resolve
from shortlist.redaction import Names
from shortlist.types import Passage


def passages(*sources):
    return [Passage(f"{source}#0", "text", source, metadata={"source": source}) for source in sources]


def set_of(first, second):
    return QuerySet("mine", {"q1": "one", "q2": "two"}, {"q1": {first: 2}, "q2": {second: 0}})


@pytest.mark.parametrize(
    "sources",
    [
        ["/home/me/notes/a.md", "/home/me/notes/deep/b.md"],
        ["/data/a.md", "/home/a.md"],
        ["/home/me/notes/a.md", "near/b.md"],
    ],
)
@pytest.mark.parametrize("end", ["#0", ""])
def test_every_shown_id_names_what_it_was_shown_for(sources, end):
    names = Names.of(sources)
    originals = [f"{source}{end}" for source in sources]
    shown = [names.shown(key) for key in originals]
    assert shown != originals
    judged = resolve(set_of(*shown), passages(*sources))
    assert judged.qrels == {"q1": {originals[0]: 2}, "q2": {originals[1]: 0}}
    assert judged.unknown == 0


def test_an_id_of_the_index_is_not_read_as_a_shown_id():
    corpus = passages("/home/me/a.md", "/home/me/b.md", "a.md")
    assert resolve(set_of("a.md#0", "b.md#0"), corpus).qrels == {"q1": {"a.md#0": 2}, "q2": {"/home/me/b.md#0": 0}}


def test_an_id_that_nothing_shows_is_still_unknown():
    with pytest.raises(InvalidInput, match=r"1 of 2 judged ids .* 'lost\.md#0'"):
        resolve(set_of("a.md#0", "lost.md#0"), passages("/home/me/a.md", "/home/me/b.md"))
