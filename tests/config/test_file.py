from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist import config
from shortlist.config.file import lines, parsed
from shortlist.errors import InvalidInput


def test_no_file_gives_no_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert config.read() == config.read(tmp_path) == {}


def test_what_is_written_is_read(tmp_path):
    file = config.write({"rerank": True, "pool_size": 30, "blend": 0.5}, tmp_path)
    assert file.read_text() == "[search]\nrerank = true\npool_size = 30\nblend = 0.5\n"
    assert config.read(tmp_path) == {"rerank": True, "pool_size": 30, "blend": 0.5}


def test_writing_keeps_comments_other_keys_and_order(tmp_path):
    (tmp_path / config.FILE).write_text("# mine\n[search]\npool_size = 50  # measured\ntop_k = 3\n\n# end\n")
    config.write({"pool_size": 20, "blend": 1.0}, tmp_path)
    text = (tmp_path / config.FILE).read_text()
    assert text.startswith("# mine\n[search]\npool_size = 20  # measured\ntop_k = 3\n")
    assert "# end\n" in text
    assert config.read(tmp_path) == {"pool_size": 20, "top_k": 3, "blend": 1.0}


def test_weights_are_written_and_read_and_removed(tmp_path):
    config.write({"pool_size": 5, "weights": {"dense": 8.25}}, tmp_path)
    config.write({"weights": {"dense": 4.0, "bm25_share": 2.0}}, tmp_path)
    assert config.read(tmp_path) == {"pool_size": 5, "weights": {"dense": 4.0, "bm25_share": 2.0}}
    config.write({"weights": None}, tmp_path)
    assert config.read(tmp_path) == {"pool_size": 5}


@pytest.mark.parametrize(
    "text",
    [
        "[search]\nweights = { dense = 8.0 }\n",
        "[search.weights]\ndense = 8.0\n",
        "[search]\nweights.dense = 8.0\n",
        "search = { weights = { dense = 8.0 } }\n",
    ],
)
def test_every_layout_of_a_table_can_be_changed(tmp_path, text):
    (tmp_path / config.FILE).write_text(text)
    assert config.read(tmp_path) == {"weights": {"dense": 8.0}}
    config.write({"weights": {"dense": 2.0}, "pool_size": 9}, tmp_path)
    assert config.read(tmp_path) == {"weights": {"dense": 2.0}, "pool_size": 9}
    config.write({"weights": None}, tmp_path)
    assert config.read(tmp_path) == {"pool_size": 9}


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "rerank": st.booleans(),
        "pool_size": st.integers(50, 500) | st.just("auto"),
        "top_k": st.integers(1, 50),
        "blend": st.floats(0, 100),
        "weights": st.dictionaries(st.sampled_from(["dense", "bm25", "bm25_share"]), st.floats(0, 1e6)),
        "fusion": st.floats(0, 1),
        "min_score": st.floats(-1e6, 1e6),
        "min_probability": st.floats(0, 1),
        "reranker": st.text(min_size=1).filter(str.strip),
    },
)


@given(VALUES, VALUES)
def test_any_values_survive_writing_and_reading(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("toml")
    config.write(first, folder)
    config.write(second, folder)
    assert config.read(folder) == {**first, **second}


def test_lines_leave_out_what_is_removed():
    assert lines({"pool_size": 4, "min_score": None}) == "[search]\npool_size = 4"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[search]\npol = 5",
            "'pol' is unknown under .search.; the keys are retriever, words, bi_encoder, pool_encoder, reranker",
        ),
        ("[search]\npool = 5", "'pool' is unknown under .search. .did you mean 'pool_size'."),
        (
            '[search]\nindex = "ix"',
            r"'index' is unknown under .search.. To choose the index folder, give --index on the c",
        ),
        (
            "[search]\nindex = {shards = 6}",
            r"'index' is unknown under .search.: .index. is a table of its own. Write its",
        ),
        ("[search]\nfields.text = 'body'", r"'fields' is unknown under .search.: .fields. is a table of its own"),
        ("[search]\nindex_options = {}", r"'index_options' is unknown under .search.: .index. is a table of its own"),
        ("[search]\nthreshold = 5", "'threshold' is unknown"),
        ("[serach]\npool_size = 5", "'serach' is not a known table"),
        ("pool_size = 5", "'pool_size' is not a known table. Put every key under .search."),
        ("search = 3", "'search' is not a known table"),
        ('index = "ix"', r"index is 'ix', and must be a table: .index. holds the options .* give --index on the"),
        ("fields = 3", "fields is 3, and must be a table"),
        ("[search]\npool_size = 0", 'pool_size must be a whole number of at least 1, or "auto", not 0'),
        ("[search]\npool_size = true", "pool_size must be a whole number"),
        ("[search]\ntop_k = 2.5", "top_k must be a whole number"),
        ("[search]\nblend = -1", "blend must be a number from 0 to 1,000,000"),
        ("[search]\nblend = nan", "blend must be a number from 0 to 1,000,000"),
        ("[search]\nrerank = 1", "rerank must be true or false"),
        ("[search]\nweights.dens = 1", "weights: 'dens' is not a signal; the signals are dense"),
        ("[search]\nweights = 1", "weights must be a table of signals and numbers"),
        ("[search]\nweights.dense = -1", r"weights\.dense must be a number from 0 to 1e12"),
        ("[search]\nfusion = 1.5", r"fusion must be a number from 0 to 1, not 1\.5"),
        ("[search]\nmin_score = inf", "min_score must be a number, not inf"),
        ("[search]\nmin_score = true", "min_score must be a number, not True"),
        ("[search]\nreranker = 3", "reranker must be a name, not 3"),
        ("[search", "is not valid TOML"),
    ],
)
def test_typing_errors_are_errors(tmp_path, text, message):
    (tmp_path / config.FILE).write_text(text)
    with pytest.raises(InvalidInput, match=message):
        config.read(tmp_path)
    with pytest.raises(InvalidInput, match=message):
        config.write({"pool_size": 5}, tmp_path)
    assert (tmp_path / config.FILE).read_text() == text


@pytest.mark.parametrize("text", ['[search]\nindex = "ix"', "[search]\npool = 5"])
def test_a_message_that_names_the_right_place_lists_no_other_keys(tmp_path, text):
    (tmp_path / config.FILE).write_text(text)
    with pytest.raises(InvalidInput) as error:
        config.read(tmp_path)
    assert "the keys are" not in str(error.value)


def test_a_bad_value_is_not_written(tmp_path):
    config.write({"pool_size": 5}, tmp_path)
    with pytest.raises(InvalidInput, match="top_k must be a whole number"):
        config.write({"top_k": 0}, tmp_path)
    assert config.read(tmp_path) == {"pool_size": 5}


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / config.FILE).write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        config.read(tmp_path)


def test_a_pool_and_an_answer_that_contradict_each_other(tmp_path):
    with pytest.raises(InvalidInput, match="top_k is 9 and pool_size is 3"):
        parsed("[search]\npool_size = 3\ntop_k = 9", tmp_path / config.FILE)
