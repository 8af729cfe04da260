"""A lower effort while many passages wait."""

import pytest

from fakes import ListRetriever, WordReranker
from shortlist import Search, SearchConfig
from shortlist.errors import InvalidInput
from shortlist.search.query_texts import QueryTexts
from shortlist.server.build import assemble
from shortlist.server.components import Components
from shortlist.server.options import ServeOptions
from shortlist.server.searching import SearchCall, eased

EFFORTS = {"low": {"pool_size": 4}, "high": {"pool_size": 15}}
CONFIG = SearchConfig(efforts=EFFORTS, effort="high", top_k=3)


def lowered(waiting=100, pace=0.0, config=CONFIG, effort="low", **call):
    components = Components(effort_under_load=effort, load=lambda: (waiting, pace))
    changed, notes = eased(components, SearchCall(QueryTexts("a"), config, **call))
    return changed.pool_size, [note.code for note in notes]


def test_the_effort_is_lower_if_more_passages_wait_than_the_pool_has():
    assert lowered(waiting=16) == (4, ["effort_lowered"])
    assert lowered(waiting=15) == (15, [])
    assert lowered(waiting=0) == (15, [])


def test_the_effort_is_lower_if_the_budget_is_too_short_at_the_measured_pace():
    assert lowered(waiting=10, pace=100.0, budget=0.2) == (4, ["effort_lowered"])
    assert lowered(waiting=10, pace=100.0, budget=0.3) == (15, [])
    assert lowered(waiting=10, pace=0.0, budget=0.2) == (15, []), "the pace is unknown"


@pytest.mark.parametrize(
    "given",
    [
        {"effort": None},
        {"fixed_pool": True},
        {"config": CONFIG.override({"rerank": False})},
        {"config": CONFIG.override({"pool_size": "auto"})},
        {"config": CONFIG.override({"top_k": 5})},
        {"config": CONFIG.override({"effort": "low"})},
    ],
)
def test_other_searches_stay_as_they_are(given):
    config = given.get("config", CONFIG)
    assert lowered(**given) == (config.pool_size, [])


def test_the_answer_reports_the_lower_effort(serve):
    searcher = Search(ListRetriever([f"a {place}" for place in range(20)]), WordReranker(), CONFIG)
    client = serve(search=searcher, effort_under_load="low", load=lambda: (500, 0.0))
    answer = client.post("/search", json={"query": "a"}).json()
    assert (answer["effort"], answer["pool_size"], answer["scored"]) == ("low", 4, 4)
    (note,) = [note for note in answer["notes"] if note["code"] == "effort_lowered"]
    assert note["message"] == (
        "effort low under load: a pool of 4 in place of 15, because 500 passages of other searches waited"
    )
    fixed = client.post("/search", json={"query": "a", "pool_size": 10}).json()
    assert (fixed["pool_size"], fixed["effort"]) == (10, None)


def test_a_request_names_an_effort(serve):
    searcher = Search(ListRetriever(["a"] * 20), WordReranker(), SearchConfig(efforts=EFFORTS))
    answer = serve(search=searcher).post("/search", json={"query": "a", "effort": "low"}).json()
    assert (answer["effort"], answer["pool_size"]) == ("low", 4)


def test_a_request_for_a_level_that_is_not_stored_is_an_error(client):
    answer = client.post("/search", json={"query": "a", "effort": "low"})
    assert answer.status_code == 422
    assert "tune" in answer.text
    assert "--write" in answer.text


def test_the_server_starts_only_if_the_level_is_stored():
    searcher = Search(ListRetriever(["a"]), WordReranker(), SearchConfig())
    with pytest.raises(InvalidInput, match="no such level is stored"):
        assemble(searcher, ServeOptions(effort_under_load="low"))
