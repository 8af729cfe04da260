"""`shortlist serve`: its options reach the server's settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app

start = pytest.importorskip("shortlist.server.start", reason="the server extra is not installed")

GIVEN = {
    "max_body": ("--max-body", 100, 100),
    "max_documents": ("--max-documents", 7, 7),
    "max_inputs": ("--max-inputs", 8, 8),
    "max_characters": ("--max-characters", 9, 9),
    "model_names": ("--model-name", "any", ("any",)),
    "auto_truncate": ("--auto-truncate", None, True),
}


@pytest.fixture
def limits(monkeypatch, tmp_path):
    """Runs `shortlist serve` up to the start of the server; gives its settings back."""
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(start, "start", asked.append)

    def run(*options):
        made = CliRunner().invoke(app, ["serve", *options])
        assert made.exit_code == 0, made.output
        return asked.pop().limits

    return run


def test_the_defaults_are_those_of_the_settings(limits):
    assert limits() == start.ServerSettings()


@pytest.mark.parametrize(
    ("host", "keys", "warned"),
    [("0.0.0.0", "", True), ("::", "", True), ("0.0.0.0", "a-key-of-some-length", False), ("127.0.0.1", "", False)],
)
def test_a_server_that_lets_in_whoever_reaches_it_says_so(monkeypatch, capsys, host, keys, warned):
    monkeypatch.setenv("SHORTLIST_API_KEYS", keys)
    monkeypatch.setattr(start, "build", lambda *_: SimpleNamespace(well=None, parts=None, close=None))
    monkeypatch.setattr(start, "create_app", lambda parts: None)
    monkeypatch.setattr(start, "run", lambda *_: None)
    start.start(start.Options(host=host))
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    said = [row["event"] for row in rows if row["level"] == "warning"]
    assert ["whoever reaches the port can search and rerank" in one for one in said] == [True] * warned


def test_every_setting_has_an_option(limits):
    options = [str(part) for option, value, _ in GIVEN.values() for part in (option, value) if part is not None]
    assert asdict(limits(*options)) == {name: wanted for name, (_, _, wanted) in GIVEN.items()}
