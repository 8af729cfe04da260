"""The server as a process: signals, a killed index, two of them behind a proxy, a flood."""

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
from typing import Any

import httpx
import pytest

import tiny
from shortlist import CrossEncoder

CAPTURED: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60}
DOCUMENTS = [f"the {word} cat sat " * (20 + n % 30) for n in range(40) for word in ("red", "blue", "green")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.cross_encoder(tmp_path_factory.mktemp("model"))


@contextlib.contextmanager
def served(model, *more, env=None):
    """A server on a free port, ready, and its address; killed at the end if it is still there."""
    command = [sys.executable, "-m", "shortlist", "serve", "--port", "0", "--cross-encoder", str(model)]
    command += ["--bi-encoder", "hashed-64", "--model-name", "*", *more]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    lines, reader = [], None
    try:
        found = None
        while found is None:
            line = process.stderr.readline()
            assert line, "".join(lines)
            lines.append(line)
            found = re.search(r"running on (http://[\d.:]+)", line)
        reader = threading.Thread(target=lambda: lines.extend(process.stderr))
        reader.start()
        address = found[1]
        until = time.monotonic() + 30
        while httpx.get(f"{address}/ready").status_code != 200:
            assert time.monotonic() < until, "".join(lines)
            time.sleep(0.05)
        yield process, address, lines
    finally:
        process.kill()
        process.wait()
        if reader is not None:
            reader.join()
        process.stderr.close()


def rerank(address, number, documents=DOCUMENTS):
    body = {"model": "m", "query": f"red cat {number}", "documents": documents}
    return httpx.post(f"{address}/v1/rerank", json=body, timeout=60)


def in_flight(address):
    return float(re.search(r"^shortlist_requests_in_flight (\S+)", httpx.get(f"{address}/metrics").text, re.M)[1])


def test_sigterm_answers_what_was_accepted_and_exits(model):
    with (
        served(model, "--cache-mb", "0", "--queue", "30000") as (process, address, lines),
        ThreadPoolExecutor(12) as clients,
    ):
        documents = DOCUMENTS * 15
        asked = [clients.submit(rerank, address, number, documents) for number in range(12)]
        until = time.monotonic() + 20
        while in_flight(address) < 12 and not any(one.done() for one in asked):
            assert time.monotonic() < until
        waiting = sum(not one.done() for one in asked)
        process.send_signal(signal.SIGTERM)
        answers = [one.result() for one in asked]
        assert process.wait(20) == -signal.SIGTERM
    assert waiting > 0
    assert [answer.status_code for answer in answers] == [200] * 12
    assert all(len(answer.json()["results"]) == len(documents) for answer in answers)
    assert json.loads(lines[-1])["event"]


def test_a_server_that_drains_is_unready_first_and_still_answers(model):
    with served(model, "--drain", "1.5") as (process, address, _):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert httpx.get(f"{address}/ready").status_code == 503
        assert rerank(address, 1, ["a cat"]).status_code == 200
        assert process.wait(20) == -signal.SIGTERM


def test_killed_and_started_again_the_index_is_whole(model, tmp_path):
    notes, index = tmp_path / "notes", tmp_path / "index"
    notes.mkdir()
    for number in range(20):
        (notes / f"{number}.md").write_text(f"# Note {number}\n\nThe red cat number {number} sat on a server.\n")
    add = [sys.executable, "-m", "shortlist", "add", str(notes), "--index", str(index)]
    subprocess.run([*add, "--bi-encoder", "hashed-64"], check=True, capture_output=True)
    question = {"query": "red cat number 7", "pool_size": 20, "k": 20}

    def found(address):
        answer = httpx.post(f"{address}/search", json=question, timeout=30).json()
        assert str(tmp_path) not in json.dumps(answer)
        return [hit["id"] for hit in answer["hits"]]

    with served(model, "--index", str(index)) as (process, address, _):
        before = found(address)
        with ThreadPoolExecutor(4) as clients:
            for number in range(8):
                clients.submit(rerank, address, number)  # most of them lose their server
            process.kill()
    with served(model, "--index", str(index)) as (_, address, _):
        assert found(address) == before
    assert len(before) == 20


def test_a_flood_gets_200_or_429_and_nothing_else(model):
    scores = {n: CrossEncoder(str(model)).score(f"red cat {n}", DOCUMENTS[:30]) for n in range(5)}
    codes: Counter[int] = Counter()
    wrong = []

    def client(address, number, until):
        while time.monotonic() < until:
            answer = rerank(address, number % 5, DOCUMENTS[:30])
            codes[answer.status_code] += 1
            if answer.status_code == 429:
                assert int(answer.headers["retry-after"]) >= 1
                continue
            for row in answer.json()["results"]:
                expected = 1 / (1 + 2.718281828459045 ** -scores[number % 5][row["index"]])
                if abs(row["relevance_score"] - expected) > 0.01:
                    wrong.append((number, row))

    with served(model, "--queue", "60", "--max-documents", "60", "--cache-mb", "0") as (_, address, _):
        until = time.monotonic() + 3
        with ThreadPoolExecutor(20) as clients:
            for one in [clients.submit(client, address, number, until) for number in range(20)]:
                one.result()
        assert rerank(address, 1, DOCUMENTS[:30]).status_code == 200
    assert set(codes) == {200, 429}
    assert wrong == []


def test_without_keys_on_this_machine_it_answers_to_no_foreign_name(model, monkeypatch):
    monkeypatch.delenv("SHORTLIST_API_KEYS", raising=False)
    with served(model, "--allow-host", "rerank") as (_, address, _):
        codes = [
            httpx.get(f"{address}/info", headers={"Host": host}).status_code for host in ("evil.example", "rerank")
        ]
        assert codes == [421, 200]
        assert rerank(address, 1, ["a cat"]).status_code == 200


def test_a_port_in_use_is_one_line(model):
    with served(model) as (_, address, _):
        port = address.rpartition(":")[2]
        command = [sys.executable, "-m", "shortlist", "serve", "--port", port, "--cross-encoder", str(model)]
        done = subprocess.run([*command, "--bi-encoder", "hashed-64"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "prometheus_client"])
def test_without_the_extra_it_is_one_line_with_the_pip_command(package):
    code = f"import sys; sys.modules[{package!r}] = None; sys.argv = ['shortlist', 'serve']\n"
    done = subprocess.run([sys.executable, "-c", f"{code}from shortlist.cli import main; main()"], **CAPTURED)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "pip install 'shortlist[server]'" in done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--queue", "10", "--max-documents", "20"], "a queue of 10 passages"),
        (["--queries", "judged.csv"], "--index"),
        (["--trace-texts"], "--trace"),
        (["--log-level", "loud"], "loud"),
        (["--allow-host", "https://rerank.example.com"], "give the name alone"),
    ],
)
def test_options_that_do_not_go_together_are_refused(flags, said):
    done = subprocess.run([sys.executable, "-m", "shortlist", "serve", "--port", "0", *flags], **CAPTURED)
    assert done.returncode == 2
    assert said in done.stderr
