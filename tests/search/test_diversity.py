"""Answers without repetition: folding, hits of one document, and MMR."""

from __future__ import annotations

import pytest

from fakes import ListRetriever, WordReranker
from shortlist.errors import InvalidInput
from shortlist.evaluation.whole_pool import search_whole, whole_pool_config
from shortlist.search.diversity import Diversity, folded_notes
from shortlist.search.search import Search
from shortlist.types import Hit

LONG = (
    "Income tax is due in April of each year. The form is sent by post, or filled in on the page of the office, and a "
    "late payment costs a small fee for every month until the whole amount is paid to the account of the office."
)


def hits_of(*texts, **metadata):
    return [Hit.of(f"p{i}", text, 1.0 - i / 100, metadata=metadata) for i, text in enumerate(texts)]


def folded(*hits, top_k=10):
    answer, _ = Diversity(fold=True).chosen(list(hits), top_k)
    return {hit.id: list(hit.duplicates) for hit in answer}, folded_notes(answer)


@pytest.mark.parametrize(
    "other",
    [
        LONG,
        LONG.upper(),
        LONG.replace(" ", "\n"),
        LONG.replace(".", "!"),
        LONG.replace("fee", "f\u00adee"),
        LONG.replace("small", "modest"),
        f"{LONG} Thank you.",
    ],
)
def test_equal_and_near_identical_texts_are_one_hit(other):
    answer, notes = folded(*hits_of(LONG, "Another text about the garden in spring.", other))
    assert answer == {"p0": ["p2"], "p1": []}
    assert [(note.code, note.values) for note in notes] == [("folded", {"count": 1})]


@pytest.mark.parametrize(
    "other",
    [
        LONG.replace("is due", "is not due"),
        LONG.replace("April", "May"),
        LONG.replace("every month", "12 months"),
        LONG.replace("small", "42"),
        LONG + " " + LONG[:60],
        LONG[: len(LONG) // 2],
        " ".join(reversed(LONG.split())),
    ],
)
def test_a_number_a_name_a_negation_or_more_text_makes_another_passage(other):
    assert folded(*hits_of(LONG, other))[0] == {"p0": [], "p1": []}


def test_short_texts_fold_only_if_they_are_equal_and_have_the_same_title():
    texts = ["A red lamp for the desk.", "A blue lamp for the desk.", "a red lamp, for the desk", "yes", "yes"]
    assert folded(*hits_of(*texts))[0] == {"p0": ["p2"], "p1": [], "p3": [], "p4": []}
    titles = ("Linux", "Mac", "Linux")
    titled = [Hit.of(f"p{i}", "Run the new installer.", title=title) for i, title in enumerate(titles)]
    assert folded(*titled)[0] == {"p0": ["p2"], "p1": []}
    assert folded(*hits_of("costs 1.5 euros a day", "costs 15 euros a day"))[0] == {"p0": [], "p1": []}


def test_texts_without_spaces_fold_too():
    text = "\u6240\u5f97\u7a0e\u306e\u7533\u544a\u306f\u6bce\u5e74\u56db\u6708\u306b" * 4
    assert folded(*hits_of(text, "\u5225\u306e\u6587\u7ae0\u3067\u3059\u3002" * 9, text))[0] == {"p0": ["p2"], "p1": []}


def test_metadata_that_differ_make_two_records():
    hits = [Hit.of(f"p{i}", LONG, metadata=fields) for i, fields in enumerate([
        {"price": 5, "source": "a.md"}, {"price": 6, "source": "b.md"}, {"price": 5, "source": "c.md"}, {"lang": "en"},
    ])]  # fmt: skip
    assert folded(*hits)[0] == {"p0": ["p2", "p3"], "p1": []}


def test_the_answer_has_top_k_different_hits_and_counts_duplicates_of_the_whole_pool():
    other = [f"The {name} of the house is painted in a warm and friendly colour." for name in ("door", "roof", "wall")]
    answer, notes = folded(*hits_of(LONG, LONG, other[0], LONG, other[1], other[2], LONG, other[0]), top_k=3)
    assert answer == {"p0": ["p1", "p3", "p6"], "p2": ["p7"], "p4": []}
    assert notes[0].values == {"count": 4}
    chosen, _ = Diversity(fold=True).chosen(hits_of(LONG, LONG, other[0]), 5)
    assert [hit.rank for hit in chosen] == [1, 2]


def test_a_search_folds_after_reranking_and_before_the_answer_is_cut():
    texts = [f"cat {LONG}", "dog in a garden", f"cat {LONG}", "cat and dog in a garden"]
    search = Search(ListRetriever(texts), WordReranker())
    answer = search.search("cat and dog", pool_size=4, top_k=3)
    assert [(hit.id, hit.rank, list(hit.duplicates)) for hit in answer] == [
        ("p4", 1, []), ("p1", 2, ["p3"]), ("p2", 3, [])
    ]  # fmt: skip
    assert answer.scored == 4
    assert answer.to_dict()["hits"][1]["duplicates"] == ["p3"]
    assert [hit.id for hit in search.search("cat and dog", pool_size=4, top_k=3, duplicates=True)] == ["p4", "p1", "p3"]
    assert answer.note("folded").values == {"count": 1}


def test_the_note_counts_no_duplicate_of_a_hit_that_a_limit_left_out():
    search = Search(ListRetriever([LONG, "a cat and a dog", LONG]), WordReranker())
    assert search.search("cat and dog").note("folded").values == {"count": 1}
    limited = search.search("cat and dog", min_score=0.5)
    assert ([hit.id for hit in limited], limited.left_out) == (["p2"], 1)
    assert limited.note("folded") is None


def test_a_limit_counts_different_hits():
    search = Search(ListRetriever([f"cat {LONG}", f"cat {LONG}", "dog in a garden"]), WordReranker())
    answer = search.search("cat", min_score=0.5)
    assert ([hit.id for hit in answer], answer.left_out) == (["p1"], 1)


def test_measurements_see_every_passage():
    search = Search(ListRetriever([LONG, LONG, "dog in a garden"]), WordReranker())
    search.config = search.config.override({"duplicates": False, "per_document": 1, "mmr": 0.0})
    ranking = search_whole(search, "tax", whole_pool_config(search.config, depth=10))
    assert {hit.id for hit in ranking} == {"p1", "p2", "p3"}
    assert not any(hit.duplicates for hit in ranking)


def test_a_document_has_at_most_so_many_hits():
    hits = [Hit.of(f"p{i}", f"text {i}", 9 - i, document_id=key) for i, key in enumerate("aaabbc")]
    answer, notes = Diversity(per_document=2).chosen(hits, 4)
    assert [(hit.id, hit.rank) for hit in answer] == [("p0", 1), ("p1", 2), ("p3", 3), ("p4", 4)]
    assert [(note.code, note.values) for note in notes] == [("document_limit", {"count": 1, "per_document": 2})]
    assert [hit.id for hit in Diversity(per_document=1).chosen(hits, 9)[0]] == ["p0", "p3", "p5"]
    assert Diversity(per_document=3).chosen(hits, 3)[1] == []


def test_mmr_weighs_relevance_against_difference():
    texts = ["red cat sleeps", "red cat sleeps now", "green garden in spring", "red cat"]
    hits = hits_of(*texts)

    def order(weight, top_k=4, **more):
        return [hit.id for hit in Diversity(mmr=weight, **more).chosen(hits, top_k)[0]]

    assert order(1.0) == ["p0", "p1", "p2", "p3"]
    assert order(0.0, 2) == ["p0", "p2"]
    assert order(0.5, 2) == ["p0", "p2"]
    assert order(0.5, per_document=1) == order(0.5)  # each text is a document of its own
    assert [hit.rank for hit in Diversity(mmr=0.0).chosen(hits, 3)[0]] == [1, 2, 3]
    assert Diversity(mmr=0.5).chosen([], 5) == ([], [])


def test_mmr_keeps_the_limit_of_a_document():
    hits = [Hit.of(f"p{i}", text, 9 - i, document_id=key) for i, (text, key) in enumerate(
        [("red cat", "a"), ("green garden", "a"), ("blue sea", "b"), ("red cat", "c")])]  # fmt: skip
    assert [hit.id for hit in Diversity(per_document=1, mmr=0.5).chosen(hits, 3)[0]] == ["p0", "p2", "p3"]


def test_mmr_chooses_among_hits_that_reach_the_limits():
    search = Search(ListRetriever(["cat and dog", "cat and dog", "garden", "cat and"]), WordReranker())
    answer = search.search("cat and dog", min_score=0.5, mmr=0.0, top_k=3, pool_size=4)
    assert {hit.id for hit in answer} == {"p1", "p2", "p4"}


@pytest.mark.parametrize(("name", "value"), [("mmr", 2), ("mmr", -0.1), ("per_document", 0), ("duplicates", "no")])
def test_a_value_that_cannot_be_used_is_refused(name, value):
    with pytest.raises(InvalidInput, match=name):
        Search(ListRetriever(["a"]), WordReranker()).search("q", **{name: value})
