"""One process per index."""

import os
import subprocess
import sys
import threading
import time

import pytest

from shortlist.collection import lock
from shortlist.collection.lock import FolderLock
from shortlist.errors import IndexLocked, IndexWriteFailed

HOLD = """
import sys
from pathlib import Path
from shortlist.collection.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("locked", flush=True)
input()
lock.release()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that has the lock until it gets a line."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        yield process
        if process.poll() is None:
            process.kill()


def release(process):
    process.stdin.write("\n")
    process.stdin.flush()


def test_the_same_process_gets_an_error_without_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "WAIT", 3600.0)
    first = FolderLock(tmp_path)
    with pytest.raises(IndexLocked, match="is already open in this process: close it first"):
        FolderLock(tmp_path)
    first.release()
    FolderLock(tmp_path).release()


def test_another_process_is_named(tmp_path, other, monkeypatch):
    monkeypatch.setattr(lock, "WAIT", 0.2)
    with pytest.raises(IndexLocked, match=rf"is open in another process \(pid {other.pid}\): close it there first"):
        FolderLock(tmp_path)


def test_the_holder_of_an_unreadable_pid_is_unknown(tmp_path, other, monkeypatch):
    monkeypatch.setattr(lock, "WAIT", 0.2)
    for content in ("", "x"):
        (tmp_path / lock.HOLDER).write_text(content)
        with pytest.raises(IndexLocked, match="unknown pid"):
            FolderLock(tmp_path)
    (tmp_path / lock.HOLDER).unlink()
    with pytest.raises(IndexLocked, match="unknown pid"):
        FolderLock(tmp_path)


def test_a_lock_waits_for_another_process(tmp_path, other, monkeypatch):
    monkeypatch.setattr(lock, "WAIT", 600.0)
    timer = threading.Timer(0.3, release, [other])
    timer.start()
    own = FolderLock(tmp_path)
    timer.join()
    assert (tmp_path / lock.HOLDER).read_text() == str(os.getpid())
    own.release()


def test_the_wait_is_three_seconds():
    assert lock.WAIT == 3.0


def test_a_killed_process_leaves_no_lock(tmp_path, other):
    other.kill()
    other.wait()
    assert (tmp_path / lock.HOLDER).exists()
    FolderLock(tmp_path).release()
    assert not (tmp_path / lock.HOLDER).exists()


def test_a_lock_may_be_released_twice_and_by_another_thread(tmp_path):
    own = FolderLock(tmp_path)
    thread = threading.Thread(target=own.release)
    thread.start()
    thread.join()
    own.release()
    FolderLock(tmp_path).release()


def test_threads_of_one_process_exclude_each_other(tmp_path):
    locks, errors = [], []

    def take():
        try:
            locks.append(FolderLock(tmp_path))
            time.sleep(0.05)
        except IndexLocked as error:
            errors.append(error)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(locks), len(errors)) == (1, 7)
    locks[0].release()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexWriteFailed, match="cannot write to"):
        FolderLock(tmp_path / "file")
    (tmp_path / lock.HOLDER).mkdir()
    with pytest.raises(IndexWriteFailed, match="cannot write to"):
        FolderLock(tmp_path)
    (tmp_path / lock.HOLDER).rmdir()
    FolderLock(tmp_path).release()
