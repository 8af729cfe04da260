"""`shortlist why` on a real index with a stand-in reranker."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from fakes import WordReranker
from shortlist import registry as catalog
from shortlist.cli.app import app
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.types import Passage

TEXTS = {"pebble": "pebble runs without a server", "harbor[x]": "harbor is a server with a port"}


@pytest.fixture
def why(tmp_path, monkeypatch):
    encoder = HashedEncoder(256)
    with EmbeddedIndex.create(tmp_path / "ix", encoder_name=encoder.name, dimension=256) as index:
        passages = [Passage(key, text, key) for key, text in TEXTS.items()]
        index.add(passages, encoder.encode_passages([one.content for one in passages]))
    monkeypatch.setattr(catalog, "load_reranker", lambda name, **_: WordReranker())

    def run(*arguments):
        done = CliRunner().invoke(app, ["why", *arguments, "--index", str(tmp_path / "ix")])
        if done.exception is not None:
            raise done.exception
        return done.output

    return run


def test_the_table_says_which_word_speaks_for_which_passage(why):
    shown = why("engine without [port]", "pebble", "harbor[x]")
    assert "B = harbor[x]" in shown
    rows = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    assert " A █" in rows["without"]
    assert " B █" in rows["port"]
    assert "reranker alone: A above B by 0.3333" in shown


def test_json_holds_both_stages(why):
    found = json.loads(why("without", "pebble", "harbor[x]", "--json"))
    assert (found["a"], found["b"], found["rerank_margin"]) == ("pebble", "harbor[x]", 1.0)
    assert found["words"] == [
        {"word": "without", "start": 0, "end": 7, "retrieval": found["retrieval_margin"], "rerank": 1.0}
    ]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("pebble", "nobody", "no passage 'nobody'"),
        ("x", "y", "no passage 'x' and no passage 'y'"),
        ("pebble", "pebble", "both ids are 'pebble'"),
    ],
)
def test_ids_that_can_not_be_compared_are_named(why, a, b, message):
    with pytest.raises(InvalidInput, match=message):
        why("without", a, b)
