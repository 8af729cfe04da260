"""Several servers behind one proxy, with the configurations that the documentation has.

A test is skipped if its proxy is not installed.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from test_process import SECONDS, served, until

import tiny

ROOT = Path(__file__).resolve().parent.parent.parent
BODY = {"query": "the red cat", "documents": [f"the {word} cat sat" for word in ("red", "blue", "green")] * 10}
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def haproxy(folder: Path, port: int, servers: list[int]) -> list[str]:
    """The command of HAProxy with examples/haproxy.cfg and these ports."""
    text = (ROOT / "examples" / "haproxy.cfg").read_text(encoding="utf-8")
    lines = [f"    server s{number} 127.0.0.1:{number}" for number in servers]
    text = re.sub(r"^    server one .*\n    server two .*$", "\n".join(lines), text, flags=re.MULTILINE)
    file = folder / "haproxy.cfg"
    file.write_text(text.replace("127.0.0.1:8800", f"127.0.0.1:{port}"), encoding="utf-8")
    return ["haproxy", "-db", "-f", str(file)]


def nginx(folder: Path, port: int, servers: list[int]) -> list[str]:
    """The command of nginx with the configuration of docs/serving-operations.md and these ports."""
    page = (ROOT / "docs" / "serving-operations.md").read_text(encoding="utf-8")
    own = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)[1]
    lines = [f"    server 127.0.0.1:{number} max_fails=0;" for number in servers]
    own = re.sub(r"(    server 127.0.0.1:88\d\d max_fails=0;\n)+", "\n".join(lines) + "\n", own)
    own = own.replace("listen 127.0.0.1:8800", f"listen 127.0.0.1:{port}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{own}}}\n",
        encoding="utf-8",
    )
    return ["nginx", "-c", str(file), "-p", str(folder)]


@contextmanager
def running(command: list[str], port: int, tmp: Path):
    log = tmp / "proxy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)

    def answers():
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=SECONDS).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(SECONDS)


@pytest.mark.parametrize("proxy", [haproxy, nginx])
def test_a_server_that_stops_under_load_loses_no_request(proxy, tmp_path):
    if shutil.which(proxy.__name__) is None:
        pytest.skip(f"{proxy.__name__} is not installed")
    model = tiny.cross_encoder(tmp_path / "model")
    with ExitStack() as stack:
        servers = [stack.enter_context(served(model, "--drain", "3")) for _ in range(3)]
        ports = [int(address.rsplit(":", 1)[1]) for _, address, _ in servers]
        port = free_port()
        url = stack.enter_context(running(proxy(tmp_path, port, ports), port, tmp_path))
        codes: Counter[int] = Counter()
        stop = threading.Event()

        def client() -> None:
            with httpx.Client(timeout=SECONDS) as session:
                while not stop.is_set():
                    answer = session.post(f"{url}/v1/rerank", json=BODY)
                    codes[answer.status_code] += 1
                    if answer.status_code == 200:
                        assert len(answer.json()["results"]) == len(BODY["documents"])

        with ThreadPoolExecutor(4) as clients:
            futures = [clients.submit(client) for _ in range(4)]
            try:
                until(lambda: codes[200] > 40)
                servers[0][0].send_signal(signal.SIGTERM)
                assert servers[0][0].wait(SECONDS) in (-signal.SIGTERM, 0)
                after = codes[200]
                until(lambda: codes[200] > after + 40)
            finally:
                stop.set()
            for future in futures:
                future.result()
        assert set(codes) == {200}, codes
        counts = [requests_of(address) for _, address, _ in servers[1:]]
        assert all(count > 0 for count in counts), counts


def requests_of(address: str) -> float:
    """The number of rerank requests that a server answered."""
    text = httpx.get(f"{address}/metrics", timeout=SECONDS).text
    found = re.search(r'shortlist_requests_total\{code="200",path="/v1/rerank"\} ([\d.]+)', text)
    return float(found[1]) if found else 0.0
