import pytest

from shortlist.config import SearchConfig, resolve
from shortlist.errors import InvalidInput
from shortlist.types import Note


def test_given_values_win_over_the_file_and_the_file_over_the_default():
    resolved = resolve({"top_k": 3, "pool_size": None}, {"top_k": 9, "pool_size": 20, "fusion": 0.3})
    assert resolved.config == SearchConfig(top_k=3, pool_size=20, fusion=0.3)
    assert resolved.from_file == {"pool_size": 20, "fusion": 0.3}
    assert resolved.notes == ()


def test_a_default_of_the_surface_comes_last():
    resolved = resolve({}, {"top_k": 9}, SearchConfig(top_k=10, pool_size=100))
    assert resolved.config.sizes == (100, 9)


def test_a_pool_that_is_given_shortens_the_answer_of_the_file():
    assert resolve({"pool_size": 4}, {"top_k": 9}).config.sizes == (4, 4)


def test_an_answer_that_is_given_enlarges_the_pool_of_the_file():
    assert resolve({"top_k": 60}, {"pool_size": 30}).config.sizes == (60, 60)
    with pytest.raises(InvalidInput, match="top_k is 60 and pool_size is 30"):
        resolve({"top_k": 60, "pool_size": 30}, {})


def test_settings_of_another_reranker_are_ignored_with_a_note():
    file = {"blend": 0.5, "weights": {"dense": 3.0}, "min_score": 2.0, "min_probability": 0.1, "fusion": 0.2}
    resolved = resolve({"reranker": "org/other"}, file)
    assert resolved.config == SearchConfig(reranker="org/other", fusion=0.2)
    assert [note.values for note in resolved.notes] == [
        {"setting": name, "reason": "other_reranker"} for name in ("blend", "weights", "min_score", "min_probability")
    ]


def test_the_file_may_name_the_reranker_of_its_settings():
    file = {"reranker": "org/other", "blend": 0.5, "min_score": 2.0}
    assert resolve({}, file).config == SearchConfig(**file)
    assert resolve({"reranker": "org/other"}, file).config == SearchConfig(**file)
    back = resolve({"reranker": "shortlist-reranker-v1"}, file)
    assert back.config == SearchConfig()
    assert len(back.notes) == 2


def test_limits_of_another_blend_are_ignored():
    file = {"blend": 0.5, "min_score": 2.0, "min_probability": 0.1}
    resolved = resolve({"blend": 1.0}, file)
    assert resolved.config == SearchConfig(blend=1.0)
    assert {note.values["setting"] for note in resolved.notes} == {"min_score", "min_probability"}
    assert resolve({"blend": 0.5}, file).config.min_score == 2.0


def test_a_limit_that_is_given_holds_and_needs_no_note():
    resolved = resolve({"blend": 2.0, "min_score": 7.0}, {"min_score": 2.0})
    assert (resolved.config.min_score, resolved.notes) == (7.0, ())


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"rerank": False}, "not_reranked"), ({"tail": True}, "tail"), ({"progressive": True}, "progressive")],
)
def test_a_probability_of_the_file_is_ignored_if_the_search_has_none(given, reason):
    resolved = resolve(given, {"min_probability": 0.2})
    assert resolved.config.min_probability is None
    assert resolved.notes == (Note("setting_ignored", setting="min_probability", reason=reason),)


def test_a_given_zero_turns_the_limit_of_the_file_off():
    assert resolve({"min_probability": 0.0}, {"min_probability": 0.2}).config.min_probability is None
    assert resolve({"min_score": float("-inf")}, {"min_score": 0.2}).config.min_score is None


def test_without_reranking_only_the_settings_of_stage_one_come_from_the_file():
    resolved = resolve({"rerank": False}, {"blend": 0.5, "fusion": 0.2, "top_k": 3})
    assert resolved.from_file == {"fusion": 0.2, "top_k": 3}


def test_bad_values_are_errors():
    with pytest.raises(InvalidInput, match="top_k must be a whole number"):
        resolve({"top_k": 0}, {})


def test_a_size_of_the_file_that_gave_way_is_not_used():
    resolved = resolve({"top_k": 6}, {"pool_size": 3, "blend": 0.5})
    assert (resolved.config.sizes, resolved.from_file) == ((50, 6), {"blend": 0.5})


@pytest.mark.parametrize("retriever", ["hybrid", "dense", "bm25"])
@pytest.mark.parametrize(("given", "file"), [({"weights": {"foo": 3.0}}, {}), ({}, {"weights": {"foo": 3.0}})])
def test_a_weight_of_an_unknown_signal_is_an_error(retriever, given, file):
    with pytest.raises(InvalidInput, match="'foo' is not a signal of stage one; the signals are dense, bm25,") as error:
        resolve({"retriever": retriever, **given}, file)
    assert error.value.field == "weights"


def test_a_retriever_of_your_own_may_have_any_signal():
    given = {"retriever": "package.module:attribute", "weights": {"foo": 3.0}}
    assert resolve(given, {}).config.weights == {"foo": 3.0}


@pytest.mark.parametrize("retriever", ["dense", "bm25"])
def test_a_fusion_weight_without_an_effect_is_an_error_or_a_note(retriever):
    for given in ({"fusion": 0.3, "retriever": retriever}, {"fusion": 0.5, "retriever": retriever}):
        with pytest.raises(InvalidInput, match=f"the retriever is '{retriever}', which uses one of them: leave out"):
            resolve(given, {})
    with pytest.raises(InvalidInput, match="leave out fusion, or search with hybrid"):
        resolve({"fusion": 0.3}, {"retriever": retriever})
    for given, file, reason in (
        ({"retriever": retriever}, {"fusion": 0.3}, "other_retriever"),
        ({}, {"retriever": retriever, "fusion": 0.3}, "no_fusion"),
        ({"retriever": "chroma:a@b"}, {"fusion": 0.3}, "other_retriever"),
    ):
        resolved = resolve(given, file)
        assert (resolved.config.fusion, resolved.from_file.get("fusion")) == (0.5, None)
        assert resolved.notes == (Note("setting_ignored", setting="fusion", reason=reason),)
    assert resolve({"retriever": "chroma:a@b"}, {"fusion": 0.3, "retriever": "chroma:a@b"}).config.fusion == 0.3
