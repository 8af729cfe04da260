from __future__ import annotations

import pytest

from shortlist import config as settings
from shortlist.config import Defaults
from shortlist.errors import InvalidInput


def test_no_file_says_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings.read() == settings.read(tmp_path) == Defaults()


def test_what_is_written_is_read(tmp_path):
    file = settings.write({"rerank": True, "pool": 30, "blend": 0.5}, tmp_path)
    assert file.read_text() == "[search]\nrerank = true\npool = 30\nblend = 0.5\n"
    assert settings.read(tmp_path) == Defaults(rerank=True, pool=30, blend=0.5)


def test_writing_keeps_comments_other_keys_and_order(tmp_path):
    (tmp_path / settings.FILE).write_text("# mine\n[search]\npool = 50  # measured\ntop = 3\n\n# end\n")
    settings.write({"pool": 20, "blend": 1.0}, tmp_path)
    text = "# mine\n[search]\npool = 20  # measured\ntop = 3\nblend = 1.0\n\n# end\n"
    assert (tmp_path / settings.FILE).read_text() == text
    assert settings.read(tmp_path) == Defaults(pool=20, top=3, blend=1.0)


def test_weights_are_written_and_read(tmp_path):
    settings.write({"pool": 5, "weight.dense": 8.25}, tmp_path)
    settings.write({"weight.dense": 4.0}, tmp_path)
    assert (tmp_path / settings.FILE).read_text() == "[search]\npool = 5\nweight.dense = 4.0\n"
    assert settings.read(tmp_path) == Defaults(pool=5, weight={"dense": 4.0})


def test_every_key_is_written_and_read_and_none_takes_a_key_out(tmp_path):
    values = {"fusion": 0.25, "threshold": -1.5, "cross-encoder": 'vendor:"x"@http://h'}
    settings.write(values, tmp_path)
    found = settings.read(tmp_path)
    assert (found.fusion, found.threshold, found.cross_encoder) == tuple(values.values())
    settings.write({"threshold": None, "fusion": None, "pool": 4, "blend": None}, tmp_path)
    assert settings.read(tmp_path) == Defaults(pool=4, cross_encoder=values["cross-encoder"])
    assert settings.lines({"pool": 4, "threshold": None}) == "[search]\npool = 4"


@pytest.mark.parametrize("text", ["[search]\nweight = { dense = 8.0 }\n", "[search]\n[search.weight]\ndense = 8.0\n"])
def test_a_key_that_can_not_be_taken_out_is_said(tmp_path, text):
    (tmp_path / settings.FILE).write_text(text)
    with pytest.raises(InvalidInput, match=r"weight\.dense stands there as 8\.0 in another form"):
        settings.write({"weight.dense": None, "pool": 9}, tmp_path)
    assert (tmp_path / settings.FILE).read_text() == text


def test_what_can_not_be_changed_stays_and_is_shown(tmp_path):
    file = tmp_path / settings.FILE
    file.write_text("search = { pool = 5 }\n")
    with pytest.raises(InvalidInput, match=r"put in by hand\n\[search\]\npool = 9"):
        settings.write({"pool": 9}, tmp_path)
    assert file.read_text() == "search = { pool = 5 }\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[search]\npol = 5", "'pol' is unknown under .search.; its keys are rerank, pool, top, blend, weight"),
        ("[serach]\npool = 5", "'serach' is no table of it"),
        ("pool = 5", "'pool' is no table of it"),
        ("search = 3", "'search' is no table of it"),
        ("[search]\npool = 0", "pool must be a whole number from 1, not 0"),
        ("[search]\npool = true", "pool must be a whole number"),
        ("[search]\ntop = 2.5", "top must be a whole number"),
        ("[search]\nblend = -1", "blend must be a number, 0 or more"),
        ("[search]\nblend = nan", "blend must be a number, 0 or more"),
        ("[search]\nrerank = 1", "rerank must be true or false"),
        ("[search]\nweight.dens = 1", "'dens' is no signal of stage one; they are dense"),
        ("[search]\nweight = 1", "as in weight.dense = 8.0"),
        ("[search]\nweight.dense = -1", "weight.dense must be a number, 0 or more"),
        ("[search]\nfusion = 1.5", "fusion must be a number from 0 to 1, not 1.5"),
        ("[search]\nthreshold = inf", "threshold must be a number, not inf"),
        ("[search]\nthreshold = true", "threshold must be a number, not True"),
        ("[search]\ncross-encoder = 3", "cross-encoder must be a model's name in quotes, not 3"),
        ("[search]\ncross_encoder = 'x'", "'cross_encoder' is unknown"),
        ("[search", "is no TOML"),
    ],
)
def test_slips_are_errors(tmp_path, text, message):
    (tmp_path / settings.FILE).write_text(text)
    with pytest.raises(InvalidInput, match=message):
        settings.read(tmp_path)


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / settings.FILE).write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        settings.read(tmp_path)
