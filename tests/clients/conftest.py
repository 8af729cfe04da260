"""The server for the clients, and a guard that keeps every client from hosted services."""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent.parent / "src"

QUIET = {
    "ANONYMIZED_TELEMETRY": "False",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "TOKENIZERS_PARALLELISM": "false",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(
                pytest.mark.filterwarnings("ignore")
            )  # warnings of the clients are not errors of this project


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The address of the server. SHORTLIST_PYTHON names the interpreter with the packages of the server."""
    python = os.environ.get("SHORTLIST_PYTHON", sys.executable)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCES), str(HERE.parent)])}
    server = subprocess.Popen(
        [python, str(HERE / "serve.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with server:
        port = server.stdout.readline().strip()
        assert port, f"the server did not start under {python}"
        _wait(int(port))
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()
        server.wait(10)


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not answer")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if a client uses a name or an address beyond this machine."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    find, connect = socket.getaddrinfo, socket.socket.connect

    def guarded_find(host: Any, *rest: Any, **named: Any) -> Any:
        _check(host)
        return find(host, *rest, **named)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple):
            _check(address[0])
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_find)
    monkeypatch.setattr(socket.socket, "connect", guarded_connect)


def _check(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name == "localhost":
        return
    try:
        here = ipaddress.ip_address(name).is_loopback
    except ValueError:
        here = False
    if not here:
        raise AssertionError(f"a client tried to reach {name}")


@pytest.fixture
def sdk() -> Callable[..., ModuleType]:
    """Import a client, or skip the test if it is not installed."""

    def load(name: str, package: str) -> ModuleType:
        return pytest.importorskip(name, reason=f"{package} is not installed: run make clients")

    return load
