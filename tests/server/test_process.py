"""The server as a process: signals, a killed index, a flood."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import tiny
from shortlist import CrossEncoder
from shortlist.cli.app import exit_code

HERE = Path(__file__).parent
SECONDS = 120
"""How long a test waits for what must happen. It is a limit for a broken program, and not a time that passes."""

CAPTURED: dict[str, Any] = {"capture_output": True, "text": True, "timeout": SECONDS}
DOCUMENTS = [f"the {word} cat sat " * (20 + n % 30) for n in range(40) for word in ("red", "blue", "green")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.cross_encoder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def gate(tmp_path):
    """The file that holds the model of a server that `gated` names."""
    file = tmp_path / "closed"
    yield file
    file.unlink(missing_ok=True)


def gated(model, gate):
    """The options and the environment of a server whose model waits at the gate."""
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {"SHORTLIST_TEST_MODEL": str(model), "SHORTLIST_TEST_GATE": str(gate), "PYTHONPATH": path}
    return "gated:GatedCrossEncoder", environment


def until(condition, explain=lambda: ""):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, explain()
        time.sleep(0.01)


@contextlib.contextmanager
def served(model, *options, env=None):
    """A server on a free port, ready, and its address. It is killed at the end if it still runs."""
    command = [sys.executable, "-m", "shortlist", "serve", "--port", "0", "--reranker", str(model)]
    command += ["--bi-encoder", "hashed-64", "--model-name", "*", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    lines, reader = [], None
    try:
        match = None
        while match is None:
            line = process.stderr.readline()
            assert line, "".join(lines)
            lines.append(line)
            match = re.search(r"running on (http://[\d.:]+)", line)
        reader = threading.Thread(target=lambda: lines.extend(process.stderr))
        reader.start()
        address = match[1]
        until(lambda: httpx.get(f"{address}/ready", timeout=SECONDS).status_code == 200, lambda: "".join(lines))
        yield process, address, lines
    finally:
        process.kill()
        process.wait()
        if reader is not None:
            reader.join()
        process.stderr.close()


def rerank(address, number, documents=DOCUMENTS):
    body = {"model": "m", "query": f"red cat {number}", "documents": documents}
    return httpx.post(f"{address}/v1/rerank", json=body, timeout=SECONDS)


def in_flight(address):
    return float(
        re.search(r"^shortlist_requests_in_flight (\S+)", httpx.get(f"{address}/metrics", timeout=SECONDS).text, re.M)[
            1
        ]
    )


def test_sigterm_answers_what_was_accepted_and_exits(model, gate):
    name, env = gated(model, gate)
    with served(name, "--cache-mb", "0", env=env) as (process, address, lines), ThreadPoolExecutor(12) as clients:
        gate.touch()
        requests = [clients.submit(rerank, address, number) for number in range(12)]
        until(lambda: in_flight(address) == 12)
        process.send_signal(signal.SIGTERM)
        until(lambda: any('"Shutting down"' in line for line in lines))
        assert not any(request.done() for request in requests)
        gate.unlink()
        answers = [request.result() for request in requests]
        assert process.wait(SECONDS) == -signal.SIGTERM
    assert [answer.status_code for answer in answers] == [200] * 12
    assert all(len(answer.json()["results"]) == len(DOCUMENTS) for answer in answers)
    assert json.loads(lines[-1])["event"]


def test_a_server_that_drains_is_unready_and_still_answers_until_a_second_signal(model):
    with served(model, "--drain", "600") as (process, address, _):
        process.send_signal(signal.SIGTERM)
        until(lambda: httpx.get(f"{address}/ready", timeout=SECONDS).status_code == 503)
        assert rerank(address, 1, ["a cat"]).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == -signal.SIGTERM


def test_killed_and_started_again_the_index_is_whole(model, tmp_path):
    notes, index = tmp_path / "notes", tmp_path / "index"
    notes.mkdir()
    for number in range(20):
        (notes / f"{number}.md").write_text(f"# Note {number}\n\nThe red cat number {number} sat on a server.\n")
    add = [sys.executable, "-m", "shortlist", "add", str(notes), "--index", str(index)]
    subprocess.run([*add, "--bi-encoder", "hashed-64"], check=True, capture_output=True)
    body = {"query": "red cat number 7", "pool_size": 20, "top_k": 20}

    def ids(address):
        answer = httpx.post(f"{address}/search", json=body, timeout=SECONDS).json()
        assert str(tmp_path) not in json.dumps(answer)
        return [hit["id"] for hit in answer["hits"]]

    with served(model, "--index", str(index)) as (process, address, _):
        before = ids(address)
        with ThreadPoolExecutor(4) as clients:
            for number in range(8):
                clients.submit(rerank, address, number)  # most of these requests lose their server
            process.kill()
    with served(model, "--index", str(index)) as (_, address, _):
        assert ids(address) == before
    assert len(before) == 20


def test_a_flood_gets_200_or_429_and_nothing_else(model, gate):
    """The queue holds two of twenty requests. The others try again until they have their answer."""
    documents = DOCUMENTS[:30]
    scores = {number: CrossEncoder(str(model)).score(f"red cat {number}", documents) for number in range(5)}
    codes: Counter[int] = Counter()

    def client(address, number):
        while (answer := rerank(address, number, documents)).status_code == 429:
            codes[429] += 1
            assert int(answer.headers["retry-after"]) >= 1
            time.sleep(0.01)
        codes[answer.status_code] += 1
        return number, answer.json()["results"]

    name, env = gated(model, gate)
    options = ["--queue", "60", "--max-documents", "60", "--cache-mb", "0"]
    with served(name, *options, env=env) as (_, address, _), ThreadPoolExecutor(20) as clients:
        gate.touch()
        requests = [clients.submit(client, address, number % 5) for number in range(20)]
        until(lambda: codes[429] >= 18)
        assert codes[200] == 0
        gate.unlink()
        answers = [request.result() for request in requests]
    assert set(codes) == {200, 429}
    assert codes[200] == 20
    for number, rows in answers:
        expected = [1 / (1 + 2.718281828459045 ** -scores[number][row["index"]]) for row in rows]
        assert [row["relevance_score"] for row in rows] == pytest.approx(expected, abs=0.01)


def test_without_keys_on_this_machine_it_answers_to_no_foreign_name(model, monkeypatch):
    monkeypatch.delenv("SHORTLIST_API_KEYS", raising=False)
    with served(model, "--allow-host", "rerank") as (_, address, _):
        codes = [
            httpx.get(f"{address}/info", headers={"Host": host}, timeout=SECONDS).status_code
            for host in ("evil.example", "rerank")
        ]
        assert codes == [421, 200]
        assert rerank(address, 1, ["a cat"]).status_code == 200


def test_a_port_in_use_is_a_single_line(model):
    with served(model) as (_, address, _):
        port = address.rpartition(":")[2]
        command = [sys.executable, "-m", "shortlist", "serve", "--port", port, "--reranker", str(model)]
        result = subprocess.run([*command, "--bi-encoder", "hashed-64"], **CAPTURED)
    assert result.returncode == 1
    assert f"port {port} of 127.0.0.1 is in use" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "prometheus_client"])
def test_without_the_extra_the_error_has_the_pip_command(package):
    code = f"import sys; sys.modules[{package!r}] = None; sys.argv = ['shortlist', 'serve']\n"
    result = subprocess.run([sys.executable, "-c", f"{code}from shortlist.cli import main; main()"], **CAPTURED)
    assert result.returncode == 4
    assert result.stderr.count("\n") == 1
    assert "pip install 'shortlist[server]'" in result.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--queue", "10", "--max-documents", "20"], "a queue of 10 passages"),
        (["--queries", "judged.csv"], "--index"),
        (["--trace-texts"], "--trace"),
        (["--log-level", "loud"], "loud"),
        (["--allow-host", "https://rerank.example.com"], "give the name alone"),
    ],
)
def test_options_that_contradict_each_other_are_refused(flags, message, capsys):
    assert exit_code(["serve", "--port", "0", *flags]) == 2
    assert message in capsys.readouterr().err
