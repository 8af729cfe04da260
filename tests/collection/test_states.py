"""The file of stored states: what comes back, what goes, damage and full disks."""

import sqlite3

import pytest

from fakes import WordReranker
from shortlist.collection.states import FILE, MadeBy, States, hash_of, maker, remove_file
from shortlist.errors import IndexWriteFailed, NotAnIndex
from states import StatesReranker

MADE_BY = MadeBy("model", "abc")
READS = {
    "lookup": lambda states: states.lookup([b"x"]),
    "known": lambda states: states.known([b"x"]),
    "ids": lambda states: states.ids(),
    "counts": lambda states: states.counts(),
}
WRITES = {
    "renew": lambda states: states.renew(MADE_BY),
    "replace": lambda states: states.replace([], {"a": b"1"}, {b"1": b"one"}),
    "delete": lambda states: states.delete(["a"]),
}


@pytest.fixture
def states(tmp_path):
    states = States(tmp_path / FILE)
    states.renew(MADE_BY)
    yield states
    states.close()


def test_states_come_back_in_the_order_of_the_hashes(states):
    states.replace([], {"a": b"1", "b": b"2"}, {b"1": b"one", b"2": b"two"})
    assert states.lookup([b"2", b"3", b"1", b"2"]) == [b"two", None, b"one", b"two"]
    assert states.lookup([]) == []
    assert states.known([b"1", b"3"]) == {b"1"}
    assert (states.ids(), states.counts()) == ({"a", "b"}, (2, 2))


def test_more_texts_than_one_query_allows(states):
    hashes = {f"p{number}": hash_of(str(number)) for number in range(2500)}
    states.replace([], hashes, {key: key[:3] for key in hashes.values()})
    assert states.lookup(list(hashes.values())) == [key[:3] for key in hashes.values()]
    states.delete(list(hashes)[:2400])
    assert states.counts() == (100, 100)


def test_a_state_stays_until_no_passage_needs_it(states):
    states.replace([], {"a": b"1", "b": b"1"}, {b"1": b"one"})
    assert states.counts() == (2, 1)
    states.delete(["a", "unknown"])
    assert states.lookup([b"1"]) == [b"one"]
    states.delete(["b"])
    assert (states.lookup([b"1"]), states.counts()) == ([None], (0, 0))


def test_a_replaced_passage_keeps_a_state_that_it_still_needs(states):
    states.replace([], {"a": b"1", "b": b"2"}, {b"1": b"one", b"2": b"two"})
    states.replace(["a", "b"], {"a": b"1", "c": b"1"}, {})
    assert (states.ids(), states.lookup([b"1", b"2"])) == ({"a", "c"}, [b"one", None])


def test_a_passage_with_another_text_gives_up_the_old_state(states):
    states.replace([], {"a": b"1"}, {b"1": b"one"})
    states.replace([], {"a": b"2"}, {b"2": b"two"})
    assert (states.lookup([b"1", b"2"]), states.counts()) == ([None, b"two"], (1, 1))


def test_a_passage_without_a_state_is_left_out(states):
    states.replace([], {"a": b"1", "b": b"2"}, {b"1": b"one"})
    assert states.ids() == {"a"}


def test_a_state_without_a_passage_is_not_kept(states):
    states.replace([], {}, {b"1": b"one"})
    assert states.counts() == (0, 0)


def test_renewing_removes_everything_and_lasts(states, tmp_path):
    states.replace([], {"a": b"1"}, {b"1": b"one"})
    states.renew(MadeBy("other", "def"))
    assert (states.counts(), states.made_by) == ((0, 0), MadeBy("other", "def"))
    states.close()
    again = States(tmp_path / FILE)
    assert again.made_by == MadeBy("other", "def")
    again.close()


def test_a_file_before_the_first_renewal_has_no_reranker(tmp_path):
    states = States(tmp_path / FILE)
    assert states.made_by is None
    states.close()


def test_the_maker_is_the_name_and_the_weights():
    assert maker(StatesReranker("m", "w")) == MadeBy("m", "w")
    assert maker(WordReranker()) == MadeBy("words", "")


def test_hashes_tell_texts_apart():
    assert hash_of("a") != hash_of("b")
    assert len(hash_of("\ud800")) == 16


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reading_after_close_is_an_error(states, read):
    states.close()
    states.close()
    with pytest.raises(NotAnIndex, match="cannot be read"):
        read(states)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_writing_after_close_is_an_error(states, write):
    states.close()
    with pytest.raises(IndexWriteFailed, match="closed"):
        write(states)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_file_that_cannot_be_written_keeps_what_was_there(states, tmp_path, write):
    states.replace([], {"a": b"1"}, {b"1": b"first"})
    states._db.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(tmp_path / FILE, timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(IndexWriteFailed, match=r"cannot write .*Earlier commits are intact"):
        write(states)
    other.execute("ROLLBACK")
    other.close()
    assert (states.made_by, states.lookup([b"1"])) == (MADE_BY, [b"first"])


def test_a_full_disk_keeps_what_was_there(states):
    states.replace([], {"a": b"1"}, {b"1": b"first"})
    ((pages,),) = states._read("PRAGMA page_count")
    states._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(IndexWriteFailed, match=r"database or disk is full\. Earlier commits are intact"):
        states.replace(["a"], {"b": b"2"}, {b"2": bytes(1 << 20)})
    assert (states.ids(), states.lookup([b"1", b"2"])) == ({"a"}, [b"first", None])


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / FILE).write_bytes(b"x" * 5000)
    with pytest.raises(NotAnIndex, match=r"delete this file and make it again with: shortlist add --precompute"):
        States(tmp_path / FILE)


def test_a_file_that_is_damaged_inside(states, tmp_path):
    hashes = {f"p{number}": hash_of(str(number)) for number in range(500)}
    states.replace([], hashes, {key: key * 30 for key in hashes.values()})
    states.close()
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[: 4096 * 8] + b"\xab" * (len(whole) - 4096 * 8))
    damaged = States(tmp_path / FILE)
    with pytest.raises(NotAnIndex, match=r"states\.sqlite cannot be read"):
        damaged.lookup(list(hashes.values()))
    damaged.close()


def test_removing_the_file_returns_its_bytes(states, tmp_path):
    states.close()
    size = (tmp_path / FILE).stat().st_size
    assert remove_file(tmp_path) == size > 0
    assert remove_file(tmp_path) == 0
