from __future__ import annotations

import threading
import time

import pytest

from shortlist.inference.fair_lock import Turns


def test_turns_go_by_who_came_first_and_one_holds_it_at_a_time():
    turns, order, inside = Turns(), [], []

    def take(name):
        with turns:
            inside.append(name)
            assert len(inside) == 1
            order.append(name)
            inside.remove(name)

    threads = []
    with turns:
        for name in range(8):
            threads.append(threading.Thread(target=take, args=(name,)))
            threads[-1].start()
            while len(turns._waiting) <= name:
                time.sleep(0.001)
    with turns:  # comes after all of those, though it asks at once
        order.append("again")
    for thread in threads:
        thread.join()
    assert order == [*range(8), "again"]


def test_an_error_inside_frees_it():
    turns = Turns()
    with pytest.raises(ValueError, match="boom"), turns:
        raise ValueError("boom")
    with turns:
        pass
