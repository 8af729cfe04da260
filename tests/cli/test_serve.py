"""What `shortlist serve` makes of its options and of shortlist.toml, without serving."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app
from shortlist.errors import InvalidInput

start = pytest.importorskip("shortlist.server.start")


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


def test_what_a_server_does_not_follow_is_said(serve):
    options, said = serve('pool = "auto"\nthreshold = 1.0\nmin-probability = 0.2')
    assert options.limits.pool_size == 50
    assert said == "a server does not follow these of shortlist.toml: pool = auto, threshold, min-probability\n"


def test_a_top_above_the_pool_is_an_error(serve):
    with pytest.raises(InvalidInput, match="a top of 9 and a pool of 7"):
        serve("pool = 7\ntop = 9")
