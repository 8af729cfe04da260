import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.config import SearchConfig
from shortlist.config.search_config import CHECKS, NAMES
from shortlist.errors import InvalidInput


def test_every_setting_has_a_check():
    assert set(CHECKS) == set(NAMES)


@pytest.mark.parametrize(
    ("config", "sizes"),
    [
        (SearchConfig(), (50, 5)),
        (SearchConfig(pool_size=3), (3, 3)),
        (SearchConfig(pool_size=20), (20, 5)),
        (SearchConfig(top_k=80), (80, 80)),
        (SearchConfig(top_k=80, tail=True), (50, 80)),
        (SearchConfig(pool_size="auto"), ("auto", 5)),
        (SearchConfig(pool_size="auto", top_k=80), ("auto", 80)),
        (SearchConfig(pool_size=4, top_k=9, tail=True), (4, 9)),
    ],
)
def test_sizes(config, sizes):
    assert config.sizes == sizes


@given(st.none() | st.integers(1, 99), st.none() | st.integers(1, 99))
def test_the_answer_is_never_longer_than_the_pool(pool_size, top_k):
    try:
        pool, length = SearchConfig(pool_size=pool_size, top_k=top_k).sizes
    except InvalidInput:
        assert top_k > pool_size
    else:
        assert length <= pool


def test_a_size_that_is_not_given_gives_way():
    config = SearchConfig(pool_size=10, top_k=8)
    assert config.override({"pool_size": 4}).sizes == (4, 4)
    assert config.override({"top_k": 60}).sizes == (60, 60)
    assert config.override({"pool_size": 9}).sizes == (9, 8)
    assert config.override({"pool_size": 4, "tail": True}).sizes == (4, 8)
    assert SearchConfig(pool_size=4, top_k=9, tail=True).override({}).sizes == (4, 9)
    assert SearchConfig(pool_size=4, top_k=9, tail=True).override({"tail": False}).sizes == (4, 4)
    with pytest.raises(InvalidInput, match="top_k is 8 and pool_size is 4"):
        config.override({"pool_size": 4, "top_k": 8})


def test_values_that_mean_no_limit():
    config = SearchConfig(min_score=-math.inf, min_probability=0.0)
    assert (config.min_score, config.min_probability) == (None, None)


def test_an_unknown_setting_is_named():
    with pytest.raises(
        InvalidInput, match=r"'threshold' is unknown \(did you mean 'threads'\?\); the settings"
    ) as error:
        SearchConfig().override({"threshold": 3})
    assert error.value.field == "threshold"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retriever", "hybrd"),
        ("retriever", ""),
        ("bi_encoder", 3),
        ("reranker", " "),
        ("rerank", 1),
        ("precision", None),
        ("device", ""),
        ("threads", 0),
        ("fusion", 1.5),
        ("fusion", None),
        ("blend", math.inf),
        ("blend", True),
        ("weights", [1]),
        ("weights", {"dense": -1}),
        ("progressive", "yes"),
        ("pool_size", "all"),
        ("pool_size", -1),
        ("top_k", 1.0),
        ("tail", None),
        ("min_score", math.nan),
        ("min_probability", 2),
    ],
)
def test_a_bad_value_names_the_setting_and_the_value(name, value):
    with pytest.raises(InvalidInput, match=rf"^{name}.* must be .*, not ") as error:
        SearchConfig().override({name: value})
    assert error.value.field.split(".")[0] == name


def test_the_reranker_to_load():
    assert SearchConfig(rerank=False).reranker_name is None
    assert SearchConfig(reranker=None).reranker_name is None
    assert SearchConfig(reranker="org/name").reranker_name == "org/name"


@pytest.mark.parametrize("name", ["blend", "fusion", "mmr", "min_probability", "pool_size", "top_k", "per_document"])
@pytest.mark.parametrize("value", [10**300, 10**5000, float("inf")], ids=["long", "longer", "infinite"])
def test_a_very_large_number_is_an_error_that_can_be_read(name, value):
    with pytest.raises(InvalidInput) as caught:
        SearchConfig(**{name: value})
    assert len(str(caught.value)) < 100
