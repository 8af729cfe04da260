import pytest

import tiny
from shortlist.errors import InvalidInput, ModelNotFound
from shortlist.inference.pair_tokenizer import PairTokenizer


@pytest.fixture
def tokenizer(tmp_path):
    tiny.write_tokenizer(tmp_path)
    return PairTokenizer(tmp_path / "tokenizer.json", 64)


def test_special_tokens_are_those_of_the_tokenizers_own_template(tokenizer):
    (pair,), _ = tokenizer.pairs("cat sat", ["a dog"])
    assert (list(pair.ids), pair.split) == ([2, 6, 8, 3, 4, 7, 3], 4)
    (single,), _ = tokenizer.singles(["cat"])
    assert list(single.ids) == [2, 6, 3]
    assert (tokenizer.special_tokens, tokenizer.count("cat sat")) == (3, 2)


def test_max_tokens_limits_each_text(tokenizer):
    pairs, cut = tokenizer.pairs("cat", ["a dog sat", "a"], max_tokens=2)
    assert [list(pair.ids) for pair in pairs] == [[2, 6, 3, 4, 7, 3], [2, 6, 3, 4, 3]]
    assert cut == [True, False]
    with pytest.raises(InvalidInput, match="max_tokens must be at least 1, not 0"):
        tokenizer.pairs("cat", ["a"], max_tokens=0)


def test_texts_are_read_in_their_normal_form(tokenizer):
    written = "\uff43\u200bat s\u00adat"
    assert tokenizer.singles([written])[0][0].ids == tokenizer.singles(["cat sat"])[0][0].ids
    assert tokenizer.pairs(written, [written])[0][0].ids == tokenizer.pairs("cat sat", ["cat sat"])[0][0].ids
    assert tokenizer.count(written) == 2
    assert tokenizer.passages([written], 9)[0].ids == tokenizer.passages(["cat sat"], 9)[0].ids


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelNotFound, match=r"tokenizer\.json is missing"):
        PairTokenizer(tmp_path / "tokenizer.json", 64)
