"""The Dockerfile: its files exist and reach the build, its commands parse, and it runs as a user without rights."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from test_docs import parse

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions(text: str = TEXT) -> list[tuple[str, str]]:
    """Return the instructions with their arguments, with continued lines joined and without comments."""
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(name, " ".join(rest.split())) for name, _, rest in (line.partition(" ") for line in lines) if name]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def copied() -> list[str]:
    """Return the files and folders of the repository that reach the image."""
    copies = [rest.split() for rest in arguments("COPY") if not rest.startswith("--from=")]
    return [name for words in copies for name in words[:-1]]


def test_every_instruction_is_known():
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {name for name, _ in instructions()} == known


def test_the_copied_files_exist_and_are_not_ignored():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    assert sorted(kept) == sorted(copied())
    assert all((ROOT / name).exists() for name in kept)


def test_the_build_has_the_files_that_the_package_names():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^readme = "(.+)"', project, re.MULTILINE)[1] in copied()


def test_both_stages_use_the_same_python():
    """The environment moves from one stage to the next, and its scripts name the Python of the first."""
    first, second = (rest.split()[0] for rest in arguments("FROM"))
    assert first == second
    assert [rest for rest in arguments("COPY") if rest.startswith("--from=build")] == [
        "--from=build /opt/shortlist /opt/shortlist"
    ]
    assert arguments("FROM")[0].endswith(" AS build")


def test_the_image_installs_locked_packages_and_then_the_package_alone():
    installs = re.findall(r"pip install ([^&]+)", " && ".join(arguments("RUN")))
    assert [shlex.split(text) for text in installs] == [
        ["--no-cache-dir", "--require-hashes", "-r", "requirements-server.lock"], ["--no-cache-dir", "--no-deps", "."],
    ]  # fmt: skip


def test_the_image_runs_as_the_owner_of_its_volume():
    (user,) = arguments("USER")
    (volume,) = arguments("VOLUME")
    created = " && ".join(arguments("RUN"))
    assert user != "0"
    assert f"useradd --uid {user} " in created
    assert f"install --directory --owner={user} --group={user} {volume}" in created
    assert arguments("WORKDIR")[-1] == volume
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name == "RUN")
    assert f"HF_HOME={volume}/" in arguments("ENV")[0]


def test_the_entry_point_is_the_command_and_its_default_parses():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (entry,) = json.loads(arguments("ENTRYPOINT")[0])
    assert re.search(rf'^{entry} = "shortlist.cli:main"', project, re.MULTILINE)
    context = parse(json.loads(arguments("CMD")[0]))
    assert context.command.name == "serve"
    assert (context.params["host"], str(context.params["port"])) == ("0.0.0.0", arguments("EXPOSE")[0])


def test_the_health_check_asks_a_route_that_needs_no_key():
    pytest.importorskip("fastapi", reason="the server extra is not installed")
    from shortlist.server.middleware.keys import OPEN_PATHS
    from shortlist.server.operations import router

    (check,) = arguments("HEALTHCHECK")
    python, option, code = json.loads(re.search(r"CMD (\[.*\])", check)[1])
    assert (python, option) == ("python", "-c")
    compile(code, "health check", "exec")
    port, path = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", code).groups()
    assert port == arguments("EXPOSE")[0]
    assert path in {route.path for route in router.routes} & set(OPEN_PATHS)


def test_the_commands_of_the_comment_parse():
    commands = re.findall(r"^#.*docker run (.*)$", TEXT, re.MULTILINE)
    assert len(commands) == 2
    words = shlex.split(commands[1])
    assert parse(words[words.index("shortlist") + 1 :]).command.name == "add"


def test_continued_lines_and_comments_are_read():
    assert instructions("# a\nCOPY a \\\n  b c\n") == [("COPY", "a b c")]
