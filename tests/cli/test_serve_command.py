"""`shortlist serve`: its options reach the server's settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app
from shortlist.errors import InvalidInput

start = pytest.importorskip("shortlist.server.start", reason="the server extra is not installed")

GIVEN = {
    "max_body": ("--max-body", 100, 100),
    "max_documents": ("--max-documents", 7, 7),
    "max_inputs": ("--max-inputs", 8, 8),
    "max_characters": ("--max-characters", 9, 9),
    "model_names": ("--model-name", "any", ("any",)),
    "auto_truncate": ("--auto-truncate", None, True),
    "pool_size": ("--pool", 6, 6),
    "k": ("--top", 4, 4),
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


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Runs `serve` in a folder with this `shortlist.toml`; gives back its options and what was said."""
    monkeypatch.chdir(tmp_path)

    def run(toml, *options):
        (tmp_path / "shortlist.toml").write_text(f"[search]\n{toml}\n")
        asked = []
        monkeypatch.setattr(start, "start", asked.append)
        done = CliRunner().invoke(app, ["serve", *options])
        if done.exception is not None:
            raise done.exception
        return asked[0], done.stderr

    return run


def test_the_sizes_of_the_file_are_those_of_a_search_that_sends_none(serve):
    options, said = serve("pool = 7\ntop = 2\nblend = 0.5")
    assert (options.limits.pool_size, options.limits.k, options.models.blend) == (7, 2, 0.5)
    assert said == ""
    options, _ = serve("")
    assert (options.limits.pool_size, options.limits.k) == (50, 5)


def test_sizes_on_the_command_line_win_over_the_file(serve):
    options, said = serve('pool = "auto"\ntop = 2', "--pool", "9", "--top", "3")
    assert (options.limits.pool_size, options.limits.k, said) == (9, 3, "")


def test_what_a_server_does_not_follow_is_said(serve):
    options, said = serve('pool = "auto"\nthreshold = 1.0\nmin-probability = 0.2')
    assert options.limits.pool_size == 50
    assert said == "a server does not follow these of shortlist.toml: pool = auto, threshold, min-probability\n"


def test_a_top_above_the_pool_is_an_error(serve):
    with pytest.raises(InvalidInput, match="the top is 9 and the pool 7"):
        serve("pool = 7\ntop = 9")
