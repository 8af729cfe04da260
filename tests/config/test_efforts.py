"""Effort levels: pool sizes with a name."""

import pytest

from fakes import ListRetriever, WordReranker
from shortlist import config
from shortlist.config import SearchConfig
from shortlist.config.resolve import resolve
from shortlist.errors import InvalidInput
from shortlist.search.search import Search

EFFORTS = {"low": {"pool_size": 3}, "mid": {"pool_size": 10}, "high": {"pool_size": 40}}
STORED = SearchConfig(efforts=EFFORTS)


def test_an_effort_is_the_pool_size_of_its_level():
    assert SearchConfig(efforts=EFFORTS, effort="mid").sizes == (10, 5)
    assert STORED.override({"effort": "low"}).sizes == (3, 3)
    assert STORED.override({"effort": "low"}).override({"effort": "high"}).pool_size == 40


def test_a_pool_size_ends_an_effort_and_an_effort_replaces_a_pool_size():
    ended = STORED.override({"effort": "low"}).override({"pool_size": 20})
    assert (ended.effort, ended.pool_size) == (None, 20)
    assert STORED.override({"pool_size": 20}).override({"effort": "mid"}).pool_size == 10


def test_another_setting_keeps_the_effort():
    changed = STORED.override({"effort": "low"}).override({"blend": 0.0})
    assert (changed.effort, changed.pool_size) == ("low", 3)
    assert STORED.override({"effort": "low"}).override({"efforts": {"low": {"pool_size": 7}}}).pool_size == 7


def test_an_effort_shortens_an_answer_that_is_longer():
    assert STORED.override({"top_k": 8}).override({"effort": "low"}).sizes == (3, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"effort": "low"}, "no such level is stored: find and store the levels with `shortlist tune .* --write`"),
        ({"effort": "low", "rerank": False}, "this search does not rerank: leave out the effort, or turn"),
        ({"efforts": {"low": {"pool_size": 10**12}}}, "efforts.low.pool_size is 1000000000000: use at most"),
        ({"effort": "high", "efforts": {"low": {"pool_size": 3}}}, "effort is 'high', and no such level is stored"),
        ({"effort": "full", "efforts": EFFORTS}, "effort must be low, mid, high, not 'full'"),
        ({"effort": "low", "pool_size": 9, "efforts": EFFORTS}, "effort 'low' has a pool of 3, and pool_size is 9"),
        ({"efforts": {"most": {"pool_size": 3}}}, "efforts: 'most' is unknown"),
        ({"efforts": {"low": 3}}, "efforts.low must be a table with a pool_size"),
        ({"efforts": {"low": {"pool_size": 0}}}, "efforts.low must be a table with a pool_size of at least 1"),
        ({"efforts": {"low": {"pool_size": True}}}, "efforts.low must be a table"),
        ({"efforts": [1]}, "efforts must be a table of levels"),
    ],
)
def test_efforts_that_cannot_be_used(values, message):
    with pytest.raises(InvalidInput, match=message):
        SearchConfig(**values)


@pytest.mark.parametrize(("given", "file"), [({}, {"rerank": False}), ({"rerank": False}, {})])
def test_an_effort_without_reranking_has_one_message_wherever_reranking_is_turned_off(given, file):
    with pytest.raises(InvalidInput, match="this search does not rerank: leave out the effort, or turn reranking on"):
        resolve({"effort": "low", **given}, file)


def test_the_file_keeps_the_levels_and_the_effort_replaces_the_pool_size(tmp_path):
    table = {"low": {"pool_size": 3, "measure": "nDCG@10", "value": 0.5, "seconds": 0.1}}
    config.write({"pool_size": 30, "effort": "low", "efforts": table}, tmp_path)
    settings = config.read(tmp_path)
    assert settings == {"pool_size": 30, "effort": "low", "efforts": table}
    resolved = resolve({}, settings)
    assert (resolved.config.pool_size, resolved.config.effort, resolved.notes) == (3, "low", ())
    assert resolved.from_file == {"effort": "low"}
    assert resolve({"pool_size": 20}, settings).config.pool_size == 20
    assert resolve({"pool_size": 20}, settings).config.effort is None
    config.write({"efforts": None, "effort": None}, tmp_path)
    assert config.read(tmp_path) == {"pool_size": 30}


def test_a_given_effort_replaces_the_pool_size_of_the_file():
    assert resolve({"effort": "mid"}, {"pool_size": 30, "efforts": EFFORTS}).config.pool_size == 10


def test_a_search_reports_its_effort():
    search = Search(ListRetriever(["a"] * 50), WordReranker(), STORED)
    ranking = search.search("a", effort="mid")
    assert (ranking.effort, ranking.pool_size, ranking.scored) == ("mid", 10, 10)
    assert ranking.to_dict()["effort"] == "mid"
    assert search.search("a").effort is None
