from __future__ import annotations

import threading
import time

import pytest

from shortlist.inference.fair_lock import FairLock


def test_threads_take_the_lock_one_at_a_time_in_the_order_in_which_they_came():
    lock, order, inside = FairLock(), [], []

    def take(name):
        with lock:
            inside.append(name)
            assert len(inside) == 1
            order.append(name)
            inside.remove(name)

    threads = []
    with lock:
        for name in range(8):
            threads.append(threading.Thread(target=take, args=(name,)))
            threads[-1].start()
            while len(lock._waiting) <= name:
                time.sleep(0.001)
    with lock:  # comes after the others, though it asks at once
        order.append("again")
    for thread in threads:
        thread.join()
    assert order == [*range(8), "again"]


def test_an_error_inside_releases_the_lock():
    lock = FairLock()
    with pytest.raises(ValueError, match="boom"), lock:
        raise ValueError("boom")
    with lock:
        pass
