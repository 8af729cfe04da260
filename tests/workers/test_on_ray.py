"""Workers on a real Ray cluster of two nodes on this machine. `make ray` runs these tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed: run make ray")
pytest.importorskip("ray.data", reason="Ray Data is not installed: run make ray")

from ray.cluster_utils import Cluster  # noqa: E402

import shortlist as sl  # noqa: E402
import worker_parts  # noqa: E402 - the tests are skipped without Ray
from shortlist.bulk import embed, rerank, work  # noqa: E402
from shortlist.config import SearchConfig  # noqa: E402
from shortlist.errors import InvalidInput, MissingExtra, WorkersFailed  # noqa: E402
from shortlist.workers import Unit, on_ray  # noqa: E402
from shortlist.workers.on_ray import RayWorkers  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
TESTS = Path(__file__).resolve().parent.parent
SOURCES = TESTS.parent / "src"
STORE = 100_000_000
"""Bytes of the object store of a node."""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two nodes with one CPU each, and the address of its client server."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (SOURCES, TESTS))))
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S", "300")
    port = free_port()
    head = {"num_cpus": 1, "object_store_memory": STORE, "ray_client_server_port": port}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(num_cpus=1, object_store_memory=STORE)
    cluster.client = f"ray://127.0.0.1:{port}"
    yield cluster
    cluster.shutdown()
    patch.undo()


@pytest.fixture
def connected(cluster):
    """This process is connected to the cluster."""
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()


def units(count):
    return (Unit(number, number) for number in range(count))


def answers(cluster, count, **doubling):
    workers = RayWorkers(cluster.address, 2)
    return sorted(workers.run(partial(worker_parts.Doubling, **doubling), units(count)), key=lambda each: each.number)


def test_every_unit_has_its_answer_from_an_actor_of_each_node(connected, tmp_path):
    given = answers(connected, 12, marks=str(tmp_path), together=2)
    assert [(answer.number, answer.value[0]) for answer in given] == [(n, 2 * n) for n in range(12)]
    assert len({answer.value[1] for answer in given}) == 2


def test_no_units_need_no_actor(connected):
    assert answers(connected, 0) == []


def test_a_killed_actor_costs_no_unit(connected, tmp_path):
    given = answers(connected, 8, marks=str(tmp_path), fault="die_once", place=3)
    assert (tmp_path / "died").exists()
    assert [(answer.value[0], answer.lost) for answer in given] == [(2 * n, "") for n in range(8)]


def test_a_unit_that_ends_every_actor_is_lost_and_the_others_are_done(connected):
    given = answers(connected, 8, fault="die", place=2)
    assert [answer.number for answer in given if answer.lost] == [2]
    assert [answer.value[0] for answer in given if not answer.lost] == [0, 2 * 1, 6, 8, 10, 12, 14]


def test_a_killed_node_costs_no_unit(connected):
    node = connected.add_node(num_cpus=1, object_store_memory=STORE)
    workers = RayWorkers(connected.address)
    given = []
    for answer in workers.run(partial(worker_parts.Doubling, pause=0.3), units(24)):
        given.append(answer)
        if len(given) == 5:
            connected.remove_node(node)
    assert sorted((answer.number, answer.lost) for answer in given) == [(n, "") for n in range(24)]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (worker_parts.failing, MissingExtra, "a test needs"),
        (partial(worker_parts.Doubling, fault="bad_input", place=1), InvalidInput, "workers is 0"),
        (partial(worker_parts.Doubling, fault="own_error", place=1), WorkersFailed, "KeyError: 'place'"),
    ],
)
def test_an_error_of_a_worker_ends_the_run(connected, make, error, message):
    with pytest.raises(error, match=message):
        list(RayWorkers(connected.address, 2).run(make, units(4)))


def test_more_content_than_fits_at_once_goes_in_several_datasets(connected, monkeypatch):
    monkeypatch.setattr(on_ray, "WAVE_BYTES", 15)
    given = answers(connected, 5)
    assert [answer.value[0] for answer in given] == [0, 2, 4, 6, 8]


def test_a_worker_with_more_threads_than_a_node_has_is_an_error(connected):
    with pytest.raises(InvalidInput, match="needs 5 CPUs, and the largest node of the Ray cluster has 1"):
        list(RayWorkers(connected.address, threads=5).run(worker_parts.Doubling, units(1)))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A run of 12 queries with five passages each, in six units."""
    monkeypatch.setattr(work, "FEWEST", 10)
    monkeypatch.chdir(tmp_path)
    rows = [json.dumps({"id": f"p{n}", "text": "x" * (n + 1)}) for n in range(20)]
    Path("corpus.jsonl").write_text("\n".join(rows))
    Path("queries.tsv").write_text("".join(f"q{n}\tquery {n}\n" for n in range(12)))
    lines = [f"q{q} Q0 p{(q + r) % 20} {r} {10 - r} first\n" for q in range(12) for r in range(1, 6)]
    Path("run.txt").write_text("".join(lines))
    return tmp_path


SLOW = SearchConfig(reranker="bulk_parts:Slow")


def test_ray_and_processes_give_identical_files_also_if_a_node_is_killed(connected, files):
    rerank("run.txt", "corpus.jsonl", "queries.tsv", "local.txt", config=SLOW, workers=2)
    node = connected.add_node(num_cpus=1, object_store_memory=STORE)
    killed = []

    def kill(done, total):
        if done and not killed:
            killed.append(done)
            connected.remove_node(node)

    report = rerank("run.txt", "corpus.jsonl", "queries.tsv", "ray.txt", config=SLOW, ray="auto", progress=kill)
    assert killed[0] < 60
    assert (report.rows, report.failed) == (60, 0)
    assert Path("ray.txt").read_bytes() == Path("local.txt").read_bytes()


def test_vectors_of_ray_are_those_of_processes(connected, files):
    config = SearchConfig(bi_encoder="hashed-16")
    embed("corpus.jsonl", "local.npy", config=config)
    embed("corpus.jsonl", "ray.npy", config=config, ray="auto", workers=2)
    assert Path("ray.npy").read_bytes() == Path("local.npy").read_bytes()


def test_an_index_by_ray_is_that_of_one_process(connected, files):
    config = SearchConfig(bi_encoder="hashed-16")
    Path("docs").mkdir()
    for number in range(8):
        Path(f"docs/note{number}.md").write_text(f"# Note {number}\n\nThe text of note {number}.\n")
    indexes = []
    for name, ray_address in (("alone", None), ("by-ray", "auto")):
        with sl.open(name, create=True, config=config) as index:
            index.add(["docs", "corpus.jsonl"], ray=ray_address)
            passages = sorted(index.passages(), key=lambda passage: passage.id)
            rows = index.collection.index.vectors([passage.id for passage in passages])
            indexes.append((passages, rows.tolist()))
    assert indexes[0] == indexes[1]
    assert len(indexes[0][0]) == 28


def test_an_evaluation_by_ray_is_that_of_one_process(connected, files):
    config = SearchConfig(bi_encoder="hashed-16", reranker="bulk_parts:Pointwise", pool_size=5)
    Path("judged.jsonl").write_text(
        "".join(json.dumps({"query": "x" * n, "relevant": [f"p{n}"]}) + "\n" for n in range(1, 9))
    )
    with sl.open("index", create=True, config=config) as index:
        index.add("corpus.jsonl")
        alone, by_ray = sl.evaluate(index, "judged.jsonl"), sl.evaluate(index, "judged.jsonl", ray="auto")
    assert [outcome.ranked for outcome in by_ray.outcomes] == [outcome.ranked for outcome in alone.outcomes]


def shortlist(*arguments):
    """Run the command in a process of its own, which is not connected to a cluster yet."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = [sys.executable, "-m", "shortlist", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


EMBED = ("bulk", "embed", "corpus.jsonl", "--bi-encoder", "hashed-16")


def test_a_cluster_that_does_not_answer_is_an_error(files):
    result = shortlist(*EMBED, "--out", "ray.npy", "--ray", f"127.0.0.1:{free_port()}")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith("error: no Ray cluster answers at 127.0.0.1:")


@pytest.mark.parametrize("place", ["address", "client"])
def test_the_command_connects_to_a_cluster(cluster, files, place):
    shortlist(*EMBED, "--out", "local.npy")
    result = shortlist(*EMBED, "--out", "ray.npy", "--ray", getattr(cluster, place))
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert "20 texts written to ray.npy" in result.stderr
    assert "Traceback" not in result.stderr
    assert Path("ray.npy").read_bytes() == Path("local.npy").read_bytes()
