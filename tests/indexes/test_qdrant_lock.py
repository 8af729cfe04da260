"""The lock of an index on Qdrant: one writer on all machines, by a clock of the test."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from server_indexes import standin_qdrant
from shortlist.errors import IndexLocked, StoreUnreachable
from shortlist.indexes.qdrant import lock as locks
from shortlist.indexes.qdrant.engine import QdrantEngine
from shortlist.indexes.qdrant.lock import BEAT, FREE, KEY, LEASE, TABLE, WAIT, QdrantLock

pytest.importorskip("qdrant_client")


class World:
    """Records on a stand-in, and a clock that only waiting moves. `during` is called at each wait."""

    def __init__(self, server):
        self.site = QdrantEngine().connect("notes", "notes", server.url, {})
        self.site.prepare()
        self.records = self.site.records
        self.now = 0.0
        self.during = lambda: None

    def lock(self, **options):
        return QdrantLock(self.records, "notes", beats=False, clock=lambda: self.now, sleep=self.sleep, **options)

    def sleep(self, seconds):
        self.now += seconds
        self.during()

    def row(self):
        return self.records.get(TABLE, KEY)

    def held_elsewhere(self, **changes):
        row = {"holder": "other", "beat": 4, "host": "node7", "machine": "m", "pid": 77, **changes}
        self.records.put({TABLE: {KEY: row}})
        return row


@pytest.fixture
def world():
    with standin_qdrant() as server:
        world = World(server)
        world.server = server
        yield world
        world.site.close()


def test_the_lock_names_its_holder_until_it_is_free(world):
    own = world.lock()
    own.check()
    own.release()
    own.acquire()
    assert (world.row()["pid"], bool(world.row()["holder"])) == (os.getpid(), True)
    own.check()
    own.release()
    own.release()
    assert world.row() == FREE
    own.acquire()
    own.release()
    assert world.now == 0


def test_this_process_does_not_wait_for_itself(world):
    if not locks.machine():
        pytest.skip("this system has no name of the machine")
    first = world.lock()
    first.acquire()
    with pytest.raises(IndexLocked, match="is already open for changes in this process: close it first"):
        world.lock().acquire()
    first.release()
    world.lock().acquire()


def test_a_living_holder_is_waited_for_and_named(world):
    row = world.held_elsewhere()

    def beat():
        row["beat"] += 1
        world.records.put({TABLE: {KEY: row}})

    world.during = beat
    with pytest.raises(IndexLocked, match="notes is open for changes in process 77 on node7: wait until it ends"):
        world.lock().acquire()
    assert WAIT < world.now < WAIT + 2
    assert world.row()["holder"] == "other"


def test_a_holder_that_ends_in_time_is_followed(world):
    world.held_elsewhere()
    world.during = lambda: world.now >= 3 and world.records.put({TABLE: {KEY: FREE}})
    own = world.lock()
    own.acquire()
    assert world.now == 3
    own.check()


def test_a_holder_without_signs_of_life_loses_the_lock(world):
    world.held_elsewhere()
    world.lock().acquire()
    assert LEASE < world.now < LEASE + 2
    assert world.row()["pid"] == os.getpid()


def test_a_dead_process_of_this_machine_loses_the_lock_at_once(world):
    if not locks.machine():
        pytest.skip("this system has no name of the machine")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    world.held_elsewhere(machine=locks.machine(), pid=dead.pid)
    world.lock().acquire()
    assert world.now == 0
    world.held_elsewhere(machine=locks.machine() + "x", pid=dead.pid)
    world.lock().acquire()
    assert world.now > LEASE  # the same number may be a living process of another machine


def test_of_two_processes_that_want_a_free_lock_only_one_gets_it(world):
    """The second one writes between the first one's question and its change."""
    first, second = world.lock(), world.lock()
    replace = world.records.replace

    def slow(*given):
        world.records.replace = replace
        second.acquire()
        replace(*given)

    world.records.replace = slow
    if locks.machine():
        with pytest.raises(IndexLocked):
            first.acquire()
    second.check()
    assert first._row is None


def test_a_holder_that_was_suspended_learns_that_it_lost_the_lock(world):
    own = world.lock()
    own.acquire()
    world.now += LEASE / 4
    world.held_elsewhere()
    own.check()  # the last sign of life is recent
    world.now += LEASE
    with pytest.raises(IndexLocked, match="process 77 on node7, because this process gave no sign of life"):
        own.check()
    own.release()
    assert world.row()["holder"] == "other"


def test_signs_of_life_keep_the_lock(world):
    own = world.lock()
    own.acquire()
    for _ in range(3):
        world.now += LEASE - 1
        own.check()
    assert world.row()["beat"] == 3


def test_a_thread_gives_the_signs_of_life(world, monkeypatch):
    monkeypatch.setattr(locks, "BEAT", 0.001)
    own = QdrantLock(world.records, "notes")
    own.acquire()
    while world.row()["beat"] < 3:
        pass
    own.release()
    assert world.row() == FREE
    assert BEAT < LEASE / 2 < LEASE


def test_a_server_that_is_down_is_an_error_of_the_writer(world):
    own = world.lock()
    own.acquire()
    world.now += LEASE
    world.server.shutdown()
    world.server.server_close()
    world.records._calls._sleep = lambda seconds: None
    with pytest.raises(StoreUnreachable):
        own.check()
