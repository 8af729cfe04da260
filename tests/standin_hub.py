"""A model hub on loopback with the part of the hub's protocol that a download needs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40


class StandInHub(ThreadingHTTPServer):
    """Serves the folders of `models`, a dict of id -> folder. `requests` and `tokens` record every request."""

    def __init__(self, models: dict[str, Path], gated: frozenset[str] = frozenset()) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.models = models
        self.gated = gated
        self.requests: list[tuple[str, str]] = []
        self.tokens: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def downloaded(self) -> set[str]:
        return {path.split("/resolve/")[1].split("/", 1)[1] for kind, path in self.requests if "/resolve/" in path}


class Handler(BaseHTTPRequestHandler):
    server: StandInHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def refuse(self, status: int, code: str) -> None:
        self.answer(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code, "Content-Type": "application/json"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append((self.command, path))
        self.server.tokens.append(self.headers.get("Authorization"))
        if path.startswith("/api/models/"):
            name = "/".join(path.split("/")[3:5])
            self.repository(name, path)
        elif "/resolve/" in path:
            name, rest = path.lstrip("/").split("/resolve/")
            self.file(name, rest.split("/", 1)[1])
        else:
            self.refuse(404, "EntryNotFound")

    def allowed(self, name: str) -> bool:
        if name not in self.server.models:
            self.refuse(404 if self.headers.get("Authorization") else 401, "RepoNotFound")
            return False
        if name in self.server.gated and self.headers.get("Authorization") != "Bearer good-token":
            self.refuse(403, "GatedRepo")
            return False
        return True

    def repository(self, name: str, path: str) -> None:
        if not self.allowed(name):
            return
        folder = self.server.models[name]
        files = [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file()]
        if "/tree/" in path:
            listing: object = [
                {"type": "file", "path": f, "size": (folder / f).stat().st_size, "oid": "0" * 40} for f in files
            ]
        else:
            listing = {
                "id": name,
                "modelId": name,
                "sha": COMMIT,
                "private": False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [{"rfilename": f} for f in files],
            }
        self.answer(200, json.dumps(listing).encode(), {"Content-Type": "application/json"})

    def file(self, name: str, file: str) -> None:
        if not self.allowed(name):
            return
        path = self.server.models[name] / file
        if not path.is_file():
            self.refuse(404, "EntryNotFound")
            return
        body = path.read_bytes()
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        self.answer(200, body, {"ETag": etag, "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"})


@contextmanager
def standin_hub(models: dict[str, Path], gated: frozenset[str] = frozenset()) -> Iterator[StandInHub]:
    hub = StandInHub(models, gated)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
