from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets import files
from shortlist.evaluation.query_sets.judging import Judgments, to_judge
from shortlist.evaluation.query_sets.propose import headings, phrases, propose
from shortlist.types import Passage
from worlds import TextReranker, searching, whole_ranking, world


def corpus(*texts, titles=()):
    names = [*titles, *[""] * len(texts)]
    return [Passage(f"p{n}", text, title=title) for n, (text, title) in enumerate(zip(texts, names, strict=False))]


def test_frequent_phrases_are_proposed_without_stop_words_at_their_ends():
    passages = corpus(
        "The refund policy is strict. Ask for the refund form.", "Our refund policy, in short", "the refund"
    )
    assert phrases(passages) == ["refund policy"]


def test_a_phrase_within_a_longer_one_is_left_out_unless_it_stands_alone_too():
    passages = corpus("blue whale song", "a blue whale song", "blue whale")
    assert phrases(passages) == ["blue whale", "blue whale song"]
    assert phrases(passages[:2]) == ["blue whale song"]


def test_phrases_do_not_cross_sentences_or_lines():
    assert phrases(corpus("income tax. due date", "income tax\ndue date")) == ["due date", "income tax"]


def test_headings_are_taken_once_and_only_where_they_can_be_queries():
    titles = ("Getting a refund", "getting a  REFUND", "1.2", "of", "word " * 13, "Guide > Paying > `pay` by card")
    assert headings(corpus(*["x"] * 6, titles=titles)) == ["Getting a refund", "pay by card"]


def test_proposals_are_the_same_whatever_the_order_and_change_with_the_seed():
    passages = corpus(
        *[f"alpha beta{n // 2} gamma" for n in range(40)], titles=[f"Heading number {n}" for n in range(40)]
    )
    first = propose(passages, 9)
    assert first == propose(reversed(passages), 9)
    assert len(set(first)) == 9
    assert any(text.startswith("Heading") for text in first)
    assert any("beta" in text for text in first)
    assert first != propose(passages, 9, seed=8)


def test_nothing_to_propose():
    assert propose([], 5) == []
    assert propose(corpus("one two three"), 5) == []
    with pytest.raises(InvalidInput, match="must be at least 1"):
        propose([], 0)


@given(st.lists(st.text(max_size=60), max_size=6), st.integers(1, 5))
def test_any_text_gives_at_most_the_wanted_number_of_distinct_queries(texts, count):
    proposals = propose(corpus(*texts, *texts), count)
    assert len(proposals) <= count
    assert len({text.casefold() for text in proposals}) == len(proposals)
    assert all(text.strip() for text in proposals)


def test_both_stages_first_hits_are_merged_in_an_order_that_tells_nothing():
    retriever, judged, _ = world(queries=12)
    ranks = []
    for query in judged.queries.values():
        ranking = whole_ranking(searching(retriever, TextReranker()), query, 20)
        shown = to_judge(ranking, 3, seed=7)
        expected = {hit.passage.id for hit in ranking.hits[:3]}
        expected |= {hit.passage.id for hit in ranking.hits if hit.retrieval_rank <= 3}
        assert {hit.passage.id for hit in shown} == expected
        assert [hit.passage.id for hit in shown] == [hit.passage.id for hit in to_judge(ranking, 3, seed=7)]
        ranks.append([hit.retrieval_rank for hit in shown])
    firsts = [row[0] <= 3 for row in ranks]
    assert 0 < sum(firsts) < len(firsts)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_judgments_are_saved_one_by_one_and_read_by_evaluate(tmp_path, suffix):
    file = tmp_path / f"q{suffix}"
    judgments = Judgments(file)
    judgments.judge("how, exactly?", "p1", True)
    judgments.judge("how, exactly?", "p2", False)
    again = Judgments(file)
    assert (again.count, again.answered, again.last) == (2, 1, "how, exactly?")
    assert again.judged("how, exactly?", "p2")
    assert not again.judged("how, exactly?", "p3")
    again.judge("why", "p2", False)
    query_set = files.read(file)
    assert list(query_set.queries.values()) == ["how, exactly?", "why"]
    assert [dict(grades) for grades in query_set.qrels.values()] == [{"p1": 1, "p2": 0}, {"p2": 0}]
    assert not list(tmp_path.glob("*.part"))


def test_what_the_file_held_stays(tmp_path):
    file = tmp_path / "q.jsonl"
    rows = [
        '{"id": "mine", "query": "a", "relevant": {"p1": 2}, "snippets": ["words"]}',
        '{"query": "no judgment yet"}',
    ]
    file.write_text("\n".join(rows))
    judgments = Judgments(file)
    assert judgments.started("no judgment yet")
    judgments.judge("a", "p9", True)
    judgments.judge("b", "p9", True)
    query_set = files.read(file)
    assert (dict(query_set.qrels["mine"]), query_set.snippets["mine"], query_set.unjudged) == (
        {"p1": 2, "p9": 1},
        {"words": 1},
        1,
    )


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_what_was_left_unjudged_is_kept_apart_and_no_judgment(tmp_path, suffix):
    file = tmp_path / f"q{suffix}"
    judgments = Judgments(file)
    for query in ("a\tb", "c"):
        judgments.judge(query, "p1", True)
    judgments.skip("what?", "p|1")
    judgments.skip("c", "p2")
    again = Judgments(file)
    assert again.shown("what?", "p|1")
    assert again.shown("c", "p2")
    assert again.shown("c", "p1")
    assert not again.shown("c", "p|1")
    assert not again.judged("what?", "p|1")
    assert again.started("what?")
    assert again.last == "what?"
    assert again.count == 2
    query_set = files.read(file)
    assert (list(query_set.queries.values()), query_set.unjudged) == (["a\tb", "c"], 1)
    again.skipped_file.write_text("[1]\n")
    with pytest.raises(InvalidInput, match="line 1 is not a query and a passage id"):
        Judgments(file)


def test_declined_queries_are_kept_apart(tmp_path):
    file = tmp_path / "q.csv"
    Judgments(file).decline("nonsense")
    assert not file.exists()
    assert Judgments(file).declined("nonsense")
    assert not Judgments(file).declined("sense")


def test_files_that_can_not_be_used(tmp_path):
    with pytest.raises(InvalidInput, match=r"name a \.jsonl or \.csv file"):
        Judgments(tmp_path / "q.txt")
    with pytest.raises(InvalidInput, match="in a folder that does not exist"):
        Judgments(tmp_path / "missing" / "q.jsonl")
    (tmp_path / "bad.jsonl").write_text("{")
    with pytest.raises(InvalidInput, match="is not JSON"):
        Judgments(tmp_path / "bad.jsonl")
