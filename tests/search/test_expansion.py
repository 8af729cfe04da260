"""Query expansion: by a function of the user's own, and by RM3 over an index."""

import pytest

from attribute_parts import matches
from fakes import ListRetriever, WordReranker
from shortlist.config import SearchConfig
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, RetrieverFailed
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.retrievers import Dense, Hybrid, Lexical
from shortlist.retrievers.feedback import Rm3, expanded, matching_with_feedback
from shortlist.search.expansion import expanding
from shortlist.search.pool import notes_of
from shortlist.search.search import Search
from shortlist.types import Note, Passage
from shortlist.wording import describe
from worlds import TwoLists

ENCODER = HashedEncoder(32)
PASSAGES = [
    Passage("a", "a submarine dives below the harbour and its periscope stays above the water"),
    Passage("b", "the periscope of a submarine shows the harbour"),
    Passage("c", "a submarine needs a periscope"),
    Passage("d", "the periscope was invented before the war"),
    Passage("e", "bread needs flour, water and time"),
    Passage("f", "the harbour opens at nine"),
]


@pytest.fixture
def index(tmp_path):
    index = EmbeddedEngine().create(tmp_path, dimension=ENCODER.dimension)
    index.add(PASSAGES, ENCODER.encode_passages([passage.content for passage in PASSAGES]))
    yield index
    index.close()


def ids(hits):
    return [hit.id for hit in hits]


def test_rm3_by_hand():
    query = {"cat": 1.0, "red": 1.0}
    feedback = [({"cat": 2.0, "dog": 2.0}, 3.0), ({"cat": 1.0, "tree": 3.0}, 1.0)]
    weights = expanded(query, feedback, Rm3(fb_docs=2, fb_terms=10, original_weight=0.5))
    # shares times scores: cat 3 * 2/4 + 1 * 1/4 = 1.75, dog 1.5, tree 0.75; their sum is 4, that of the query is 2
    assert weights == pytest.approx({"cat": 0.5 + 1.75 / 4, "red": 0.5, "dog": 1.5 / 4, "tree": 0.75 / 4})
    assert sum(weights.values()) == pytest.approx(sum(query.values()))


def test_rm3_keeps_the_heaviest_terms_of_each_passage_and_of_all():
    feedback = [({"aa": 5.0, "bb": 4.0, "cc": 3.0}, 1.0), ({"dd": 9.0, "ee": 1.0}, 0.1)]
    weights = expanded({"x": 1.0}, feedback, Rm3(fb_terms=2))
    assert set(weights) == {"x", "aa", "bb"}


def test_rm3_adds_no_terms_that_are_too_short_too_long_or_no_words():
    weights = expanded({"x": 1.0}, [({"y": 1.0, "z" * 21: 1.0, "c++": 1.0, "good": 1.0}, 1.0)])
    assert set(weights) == {"x", "good"}


def test_rm3_without_usable_terms_leaves_the_query():
    assert expanded({"x": 2.0}, []) == {"x": 2.0}
    assert expanded({"x": 2.0}, [({"c++": 1.0}, 1.0)]) == {"x": 2.0}


def test_rm3_at_an_original_weight_of_1_is_the_query():
    assert expanded({"x": 2.0}, [({"good": 1.0}, 1.0)], Rm3(original_weight=1.0)) == {"x": 2.0}


def test_rm3_finds_a_passage_that_shares_no_word_with_the_query(index):
    plain = Lexical(index).retrieve("submarine", 10)
    hits = Lexical(index).with_feedback().retrieve("submarine", 10)
    assert "d" not in ids(plain)
    assert "d" in ids(hits)
    (note,) = [note for note in notes_of(hits) if note.code == "query_expanded"]
    assert note.values["method"] == "rm3"
    assert "periscop" in note.values["terms"]
    assert "submarin" not in note.values["terms"]
    assert describe(note).startswith("query expanded by rm3: periscop")


def test_rm3_leaves_out_stop_words(index):
    (note,) = notes_of(matching_with_feedback(index, "submarine", 5))
    assert not {"the", "a", "of", "and"} & set(note.values["terms"])


def test_rm3_without_a_match_gives_nothing(index):
    assert list(Lexical(index).with_feedback().retrieve("zebra", 5)) == []


def test_rm3_keeps_the_pool_prefix(index):
    for retriever in (Lexical(index).with_feedback(), Hybrid(index, ENCODER).with_feedback()):
        whole = ids(retriever.retrieve("submarine in the harbour", 6))
        assert [ids(retriever.retrieve("submarine in the harbour", k)) for k in range(1, 6)] == [
            whole[:k] for k in range(1, 6)
        ]


def test_rm3_uses_passages_that_match_the_filter_alone(tmp_path):
    index = EmbeddedEngine().create(tmp_path, dimension=ENCODER.dimension)
    passages = [
        Passage("a", "submarine periscope", metadata={"kind": "old"}),
        Passage("b", "submarine torpedo", metadata={"kind": "new"}),
    ]
    index.add(passages, ENCODER.encode_passages([passage.content for passage in passages]))
    (note,) = notes_of(matching_with_feedback(index, "submarine", 5, {"kind": "new"}))
    assert note.values["terms"] == ["torpedo"]
    index.close()


def test_a_hybrid_search_changes_bm25_alone(index):
    plain = {hit.id: hit.signals for hit in Hybrid(index, ENCODER).retrieve("submarine", 6)}
    wide = {hit.id: hit.signals for hit in Hybrid(index, ENCODER).with_feedback().retrieve("submarine", 6)}
    assert {key: signals["dense"] for key, signals in plain.items()} == pytest.approx(
        {key: signals["dense"] for key, signals in wide.items()}
    )
    assert "bm25" not in plain["d"]
    assert 0 < wide["d"]["bm25_share"] < 1


def test_a_search_reports_the_expansion_and_stays_as_it_is(index):
    search = Search(Hybrid(index, ENCODER), WordReranker(), SearchConfig(pool_size=4))
    ranking = search.search("submarine", expand="rm3")
    assert ranking.note("query_expanded") is not None
    assert [note["code"] for note in ranking.to_dict()["notes"]] == ["query_expanded"]
    assert search.search("submarine").note("query_expanded") is None


def test_an_expansion_of_the_configuration_can_be_turned_off(index):
    search = Search(Hybrid(index, ENCODER), None, SearchConfig(expand="rm3"))
    assert search.search("submarine").note("query_expanded") is not None
    assert search.search("submarine", expand="none").note("query_expanded") is None


def test_an_expanded_retriever_is_not_expanded_twice(index):
    search = Search(Hybrid(index, ENCODER), None, SearchConfig(expand="rm3")).expanded()
    assert search.retriever_at() is search.retriever


@pytest.mark.parametrize(
    ("retriever", "message"),
    [
        (lambda index: Dense(index, ENCODER), "Dense has no such BM25"),
        (lambda index: ListRetriever(["a"]), "ListRetriever has no such BM25"),
        (lambda index: Hybrid(TwoLists(PASSAGES), ENCODER), "TwoLists accepts none"),
        (lambda index: Lexical(TwoLists(PASSAGES)), "TwoLists accepts none"),
    ],
)
def test_a_retriever_that_cannot_do_rm3_is_an_error(index, retriever, message):
    with pytest.raises(InvalidInput, match=message) as error:
        Search(retriever(index), None).search("submarine", expand="rm3")
    assert error.value.field == "expand"


def test_a_function_may_replace_the_query():
    ranking = Search(matches, None).search("submarine", expand="expansion_parts:to_red")
    assert ids(ranking) == ["a", "b", "d"]
    assert ranking.query == "submarine"
    assert ranking.note("query_expanded").values == {"method": "expansion_parts:to_red", "terms": ["red"]}


def test_a_function_may_add_queries_which_are_fused_with_the_query():
    ranking = Search(matches, None).search("submarine", expand="expansion_parts:to_several")
    assert ids(ranking)[0] == "b"
    assert set(ids(ranking)) == {"a", "b", "c", "d"}
    assert ranking.note("query_expanded").values["terms"] == ["red", "dog"]


def test_a_function_is_called_once_for_all_pools_of_a_query():
    from expansion_parts import CALLS

    CALLS.clear()
    retriever = expanding(Search(matches, None).retriever, "expansion_parts:counted")
    assert [len(retriever.retrieve("red", k)) for k in (1, 3)] == [1, 3]
    assert CALLS == ["red"]


def test_the_reranker_reads_the_query_and_not_its_expansion():
    reranker = WordReranker()
    Search(matches, reranker).search("submarine", expand="expansion_parts:to_red")
    assert reranker.calls[0][0] == "submarine"


@pytest.mark.parametrize(
    ("expand", "message"),
    [
        ("expansion_parts:fails", "expansion_parts:fails failed: ValueError: broken"),
        ("expansion_parts:to_number", "returned 7: it must return a text, or a list of texts"),
        ("expansion_parts:to_empty", "returned '': it must return a text"),
        ("expansion_parts:to_mixed", r"returned \['red', 3\]"),
    ],
)
def test_a_function_that_fails(expand, message):
    with pytest.raises(RetrieverFailed, match=message):
        Search(matches, None).search("submarine", expand=expand)


@pytest.mark.parametrize(
    ("expand", "message"),
    [
        ("rm4", "expand must be rm3, none, or a function as package.module:attribute, not 'rm4'"),
        ("no_such_module:x", "there is no module 'no_such_module'"),
        ("attribute_parts:NOT_A_PART", "name a function that returns a text or a list of texts"),
        ("not a name:x", 'expand must be "rm3", or a function'),
    ],
)
def test_an_expansion_that_does_not_exist(expand, message):
    with pytest.raises(InvalidInput, match=message):
        Search(matches, None).search("submarine", expand=expand)


def test_none_in_a_configuration_is_off():
    assert SearchConfig(expand="none").expand is None


def test_an_expansion_without_other_terms_is_worded():
    assert describe(Note("query_expanded", method="rm3", terms=[])) == "query expanded by rm3: no other terms"
