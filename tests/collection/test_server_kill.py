"""Processes that write to an index on a server: killed in the middle, and two at a time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hashed import HASHED, passages_in
from server_indexes import standin_qdrant

pytestmark = pytest.mark.slow
FILES = 6
ADD = """
import sys
import shortlist
from shortlist.indexes.qdrant import lock
lock.BEAT, lock.WAIT, lock.STEP = 0.1, float(sys.argv[3]), 0.05
with shortlist.open(sys.argv[1], create=True, config=shortlist.SearchConfig(bi_encoder=sys.argv[2])) as index:
    report = index.add(sys.argv[4:], prune=True)
    print(report.documents_written, report.passages_total)
"""


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.md").write_text(f"# Note {number}\n\n" + f"Sentence of note {number}. " * 200)
    return folder


def start(name, folder, *paths, wait=0.5):
    return subprocess.Popen(
        [sys.executable, "-c", ADD, name, HASHED, str(wait), *paths],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return [int(number) for number in re.findall(r"\d+", out)]


def is_change(request):
    return request.method == "PUT" or request.path.endswith("/delete")


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_kill_9_and_the_same_command_lose_and_double_nothing(docs, tmp_path, monkeypatch):
    """Each process is killed after a later change, which the server has made and the process does not know of."""
    monkeypatch.chdir(tmp_path)
    with standin_qdrant() as server:
        expected = finished(start(f"qdrant:whole@{server.url}", tmp_path, "docs"))
        assert expected[0] == FILES
        answer, name = server.answer, f"qdrant:notes@{server.url}"
        left, process = [0], None

        def kill(request):
            reply = answer(request)
            left[0] -= is_change(request)
            if left[0] == 0 and is_change(request):
                os.kill(process.pid, signal.SIGKILL)
            return reply

        server.answer = kill
        server.handle_error = lambda *_: None  # a killed process ends its connections
        killed = 0
        for changes in (1, 3, 9, 13, 17, 400):
            left[0] = changes
            process = start(name, tmp_path, "docs")
            process.communicate(timeout=120)
            killed += process.returncode == -signal.SIGKILL
        assert killed >= 4  # a sign of life is a change, too, and their number is not fixed
        assert process.returncode == 0
        server.answer = answer
        whole = passages_in(f"qdrant:whole@{server.url}")
        assert passages_in(name) == whole
        assert len(whole) == expected[1]


def test_two_writers_at_once_write_all_documents_once(docs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with standin_qdrant() as server:
        name = f"qdrant:notes@{server.url}"
        names = [path.name for path in sorted(docs.iterdir())]
        halves = [f"docs/{key}" for key in names[:3]], [f"docs/{key}" for key in names[3:]]
        processes = [start(name, tmp_path, *half, wait=60) for half in halves]
        results = [finished(process) for process in processes]
        assert [written for written, _ in results] == [3, 3]
        assert finished(start(name, tmp_path, "docs"))[0] == 0
        assert {Path(key).name.partition("#")[0] for key, _ in passages_in(name)} == set(names)
