"""Workers in processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import worker_parts
from shortlist.errors import InvalidInput, MissingExtra, WorkersFailed
from shortlist.workers import Answer, Unit, choose_workers, in_order
from shortlist.workers.local import LocalWorkers


def units(count):
    return (Unit(number, number) for number in range(count))


def answers(count, workers=1, **doubling):
    return list(LocalWorkers(workers).run(partial(worker_parts.Doubling, **doubling), units(count)))


@pytest.mark.parametrize("workers", [1, 3])
def test_every_unit_has_its_answer(workers):
    assert sorted((answer.number, answer.value[0]) for answer in answers(7, workers)) == [(n, 2 * n) for n in range(7)]


def test_several_processes_work(tmp_path):
    pids = {answer.value[1] for answer in answers(6, 2, marks=str(tmp_path), together=2)}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_no_units_start_no_process(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **options: pytest.fail("a process was started"))
    assert answers(0, 2) == []


def test_a_killed_worker_costs_its_unit_alone(tmp_path):
    found = answers(6, 1, marks=str(tmp_path), fault="die_once", place=3)
    assert (tmp_path / "died").exists()
    assert [(answer.number, answer.value[0], answer.lost) for answer in found] == [(n, 2 * n, "") for n in range(6)]
    assert len({answer.value[1] for answer in found}) == 2


def test_a_unit_that_ends_every_worker_is_lost_and_the_others_are_done():
    found = {answer.number: answer for answer in answers(6, 2, fault="die", place=2)}
    assert found.pop(2) == Answer(2, None, f"the worker process ended 3 times (signal {signal.SIGKILL:d})")
    assert sorted(answer.value[0] for answer in found.values()) == [0, 2, 6, 8, 10]


def test_an_error_of_a_worker_keeps_its_class_its_message_and_its_field():
    with pytest.raises(InvalidInput, match="workers is 0") as bad:
        answers(4, fault="bad_input", place=1)
    assert bad.value.field == "workers"
    with pytest.raises(MissingExtra) as missing:
        answers(4, fault="missing", place=1)
    assert str(missing.value) == str(MissingExtra("a test", "torch"))


def test_an_error_that_is_not_the_packages_own_names_its_class():
    with pytest.raises(WorkersFailed, match="KeyError: 'place'"):
        answers(4, fault="own_error", place=1)


def test_an_error_at_the_start_is_raised():
    with pytest.raises(MissingExtra, match="a test needs"):
        list(LocalWorkers(2).run(worker_parts.failing, units(4)))


def test_processes_that_end_at_the_start_are_an_error():
    with pytest.raises(WorkersFailed, match="end before they are ready \\(exit code 7\\)"):
        list(LocalWorkers(2).run(worker_parts.dying, units(4)))


def test_a_worker_may_print(capfd):
    assert len(answers(3, fault="prints", place=1)) == 3
    assert capfd.readouterr().err == "a word on standard output\n"


def test_units_are_read_as_they_are_needed():
    started = []

    def source():
        for number in range(50):
            started.append(number)
            yield Unit(number, number)

    done = []
    for answer in LocalWorkers(2).run(worker_parts.Doubling, source()):
        done.append(answer.number)
        assert len(started) <= len(done) + 2 * 2 + 1


def test_ahead_limits_the_units_after_the_oldest_that_is_not_done(tmp_path):
    started = []

    def source():
        for number in range(12):
            started.append(number)
            yield Unit(number, number)

    run = LocalWorkers(2).run(
        partial(worker_parts.Doubling, marks=str(tmp_path), fault="waits", place=0), source(), ahead=3
    )
    assert sorted(next(run).number for _ in range(3)) == [1, 2, 3]
    assert started[-1] <= 4
    run.close()


def test_an_iterator_that_is_closed_ends_its_processes(tmp_path):
    run = LocalWorkers(2).run(partial(worker_parts.Doubling, marks=str(tmp_path), fault="waits", place=1), units(9))
    next(run)
    pid = waiting_pid(tmp_path)
    run.close()
    assert gone(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_no_worker_outlives_a_killed_run(tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from functools import partial; import worker_parts\n"
        "from shortlist.workers import Unit; from shortlist.workers.local import LocalWorkers\n"
        "make = partial(worker_parts.Doubling, marks=sys.argv[2], fault='waits', place=1)\n"
        "for answer in LocalWorkers(2).run(make, (Unit(n, n) for n in range(3))): print(answer.value[1], flush=True)\n"
    )
    tests = str(Path(__file__).resolve().parent.parent)
    with subprocess.Popen([sys.executable, "-c", program, tests, str(tmp_path)], stdout=subprocess.PIPE) as run:
        pid = int(run.stdout.readline())
        waiting_pid(tmp_path)
        run.kill()
    assert gone(pid)
    os.kill(waiting_pid(tmp_path), signal.SIGKILL)  # it works on its unit for ten minutes


def waiting_pid(folder):
    """The id of the process that waits, once it does."""
    mark = folder / "waiting"
    for _ in range(3000):
        if mark.exists() and mark.read_text(encoding="ascii"):
            return int(mark.read_text(encoding="ascii"))
        time.sleep(0.01)
    raise AssertionError("no worker waits")


def gone(pid):
    """Whether the process ends."""
    for _ in range(3000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").is_file() and Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z":
            return True
        time.sleep(0.01)
    return False


def test_the_threads_of_a_worker_are_its_share_of_the_cores(monkeypatch):
    monkeypatch.setattr("shortlist.workers.local.usable_cores", lambda: 8)
    assert [LocalWorkers(count).threads for count in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    assert LocalWorkers(2, threads=3).threads == 3
    (answer,) = LocalWorkers(2).run(worker_parts.Environment, [Unit(0, "OMP_NUM_THREADS")])
    assert answer.value == "4"


def test_in_order_sorts_answers_by_number():
    given = [Answer(number, None) for number in (2, 0, 1, 4, 3)]
    assert [answer.number for answer in in_order(given)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("given", "field"), [({"workers": 0}, "workers"), ({"threads": -1}, "threads")])
def test_a_number_below_one_is_an_error(given, field):
    with pytest.raises(InvalidInput, match="at least 1") as error:
        choose_workers(**given)
    assert error.value.field == field


def test_an_empty_address_is_an_error():
    with pytest.raises(InvalidInput, match="ray is empty"):
        choose_workers(ray=" ")


def test_ray_without_its_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingExtra, match=r"shortlist\[ray\]"):
        choose_workers(ray="auto")
