import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx import helper

import tiny
from shortlist import CrossEncoder
from shortlist.encoders.hashed import HashedEncoder
from shortlist.encoders.onnx import OnnxEncoder
from shortlist.errors import BadScores, InvalidInput, ModelError, QueryTooLong
from shortlist.inference.pair_tokenizer import Words
from shortlist.inference.runtimes import choose
from shortlist.inference.session import Session
from shortlist.models import encoder_spec
from shortlist.models.folder import read_encoder
from shortlist.rerankers.progressive import DropRule, ProgressiveReranker

QUERY = "which store runs without a server"
TEXTS = [
    "A vector store that runs inside your program.",
    "Start the server first, then connect a client to it.",
    "",
    "Bread is baked at two hundred degrees. " * 6,
    "Cats sleep most of the day.",
]


def expected(query, text, window=64):
    words = {word: i for i, word in enumerate(tiny.WORDS)}
    asked = [words.get(w, 1) for w in query.split()]
    read = [words.get(w, 1) for w in text.split()][: window - len(asked) - 3]
    ids = [2, *asked, 3, *read, 3]
    return sum(ids) / len(ids)


def test_scores_by_hand_in_the_given_order(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)), precision="exact")
    texts = ["cat", "green " * 9, "the dog sat", ""]
    assert model.score("query", texts) == pytest.approx([expected("query", text) for text in texts], abs=1e-5)


def test_no_texts_no_scores(tmp_path):
    assert CrossEncoder(str(tiny.cross_encoder(tmp_path))).score("query", []) == []


@pytest.mark.parametrize("query", ["", "  \n"])
def test_an_empty_query_is_refused(tmp_path, query):
    with pytest.raises(InvalidInput, match="query is empty"):
        CrossEncoder(str(tiny.cross_encoder(tmp_path))).score(query, ["cat"])


def test_truncation_cuts_the_passage_and_is_reported(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)), precision="exact")
    long = "green " * 300
    scores, cut = model.score_and_report("red cat", ["cat", long])
    assert cut == [False, True]
    assert scores[1] == pytest.approx(expected("red cat", long), abs=1e-5)


def test_a_query_that_leaves_no_room_says_how_long_it_may_be(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)))
    assert len(model.score("cat " * 29, ["dog"])) == 1
    with pytest.raises(QueryTooLong, match=r"query has 30 tokens and the reranker's window is 64.*Shorten.*29 tokens"):
        model.score("cat " * 30, ["dog"])


@pytest.mark.parametrize("fault", [math.nan, math.inf])
def test_a_model_that_returns_no_number_raises(tmp_path, fault):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path, fault=fault)), precision="exact")
    with pytest.raises(BadScores, match="for text 0 of 1: 'cat'"):
        model.score("query", ["cat"])


def test_more_than_one_label_is_refused(tmp_path):
    with pytest.raises(ModelError, match="has 3 labels"):
        CrossEncoder(str(tiny.cross_encoder(tmp_path, labels=3)))


def test_a_file_that_is_no_onnx_raises(tmp_path):
    folder = tiny.cross_encoder(tmp_path)
    (folder / "onnx" / "model.onnx").write_bytes(b"garbage")
    for precision in ("exact", "auto"):
        with pytest.raises(ModelError, match="can't load"):
            CrossEncoder(str(folder), precision=precision)


def test_precision_names():
    assert choose("exact").precision == "fp32"
    assert choose().why
    with pytest.raises(InvalidInput, match="choose one of auto, exact, fast"):
        choose("int4")


@pytest.fixture(scope="module", params=["exact", "auto"])
def packaged(request):
    return CrossEncoder(precision=request.param)


def test_a_score_hardly_depends_on_its_batch_mates(packaged):
    together = packaged.score(QUERY, TEXTS)
    alone = [packaged.score(QUERY, [text])[0] for text in TEXTS]
    assert np.abs(np.array(together) - alone).max() <= 0.01


def test_order_of_texts_does_not_matter(packaged):
    backwards = packaged.score(QUERY, TEXTS[::-1])[::-1]
    assert backwards == pytest.approx(packaged.score(QUERY, TEXTS), abs=0.01)


def test_fast_agrees_with_exact():
    exact, auto = CrossEncoder(precision="exact"), CrossEncoder()
    one, other = exact.score(QUERY, TEXTS), auto.score(QUERY, TEXTS)
    assert np.abs(np.array(one) - other).max() < 0.3


def test_threads_share_a_model(packaged):
    reference = packaged.score(QUERY, TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: packaged.score(QUERY, TEXTS), range(12)):
            assert scores == pytest.approx(reference, abs=0.01)


@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token", "max_tokens", "lasttoken"])
def test_pooling_by_hand(tmp_path, pooling):
    folder = tiny.encoder(tmp_path, pooling=pooling)
    encoder = OnnxEncoder(read_encoder(folder, "tiny"), precision="exact")
    states = tiny.table()[[2, 6, 7, 3]]
    pooled = {
        "mean_tokens": states.mean(0),
        "cls_token": states[0],
        "max_tokens": states.max(0),
        "lasttoken": states[-1],
    }[pooling]
    vectors = encoder.encode_passages(["cat dog", "a the cat dog sat runs"])
    assert vectors[0] == pytest.approx(pooled / np.linalg.norm(pooled), abs=1e-6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-6)


def test_prompts_stand_in_front(tmp_path):
    folder = tiny.encoder(tmp_path, pooling="mean_tokens")
    plain = OnnxEncoder(read_encoder(folder, "tiny"), precision="exact")
    prompted = OnnxEncoder(read_encoder(folder, "e5-small"), precision="exact")
    assert prompted.encode_queries(["cat"]) == pytest.approx(plain.encode_queries(["query: cat"]), abs=1e-6)
    assert prompted.encode_passages(["cat"]) == pytest.approx(plain.encode_queries(["passage: cat"]), abs=1e-6)


def test_the_bi_encoder_runs_many_texts_a_part_at_a_time(tmp_path, monkeypatch):
    encoder = OnnxEncoder(read_encoder(tiny.encoder(tmp_path), "tiny"), precision="exact")
    texts = [" ".join(["cat", "dog", "tree"][: 1 + row % 3]) for row in range(300)]
    sizes = []
    run = encoder._session.run
    monkeypatch.setattr(encoder._session, "run", lambda inputs, pad: sizes.append(len(inputs)) or run(inputs, pad))
    vectors = encoder.encode_passages(texts)
    assert sizes == [128, 128, 44]
    singles = {text: encoder.encode_passages([text])[0] for text in set(texts)}
    np.testing.assert_allclose(vectors, [singles[text] for text in texts], atol=1e-6)


def test_long_texts_are_cut_and_counted(tmp_path):
    encoder = OnnxEncoder(read_encoder(tiny.encoder(tmp_path), "tiny"), precision="exact")
    vectors = encoder.encode_passages(["cat " * 50, "cat"])
    assert vectors.shape == (2, tiny.WIDTH)
    assert encoder.truncated == 1
    assert encoder.encode_passages([]).shape == (0, tiny.WIDTH)


def test_the_packaged_encoder_keeps_meaning():
    encoder = OnnxEncoder(encoder_spec("all-MiniLM-L6-v2"), precision="exact")
    cat, kitten, tax = encoder.encode_passages(["a cat", "a kitten", "income tax law"])
    assert cat @ kitten > 0.7 > 0.3 > cat @ tax
    # The numbers are sentence-transformers' under torch, for the original fp32 weights.
    assert encoder.encode_queries(["a cat"])[0][:4] == pytest.approx(
        [0.06173372, 0.04145974, 0.00876336, 0.06251235], abs=1e-4
    )


def test_words_frame_pairs_as_the_tokenizer_does(tmp_path):
    tiny.tokenizer(tmp_path)
    words = Words(tmp_path / "tokenizer.json", 64)
    (pair,), _ = words.pairs("cat sat", ["a dog"])
    assert (list(pair.ids), pair.split) == ([2, 6, 8, 3, 4, 7, 3], 4)
    (single,), _ = words.singles(["cat"])
    assert list(single.ids) == [2, 6, 3]
    assert words.special_tokens == 3


def test_scores_are_raw_unless_asked_otherwise(tmp_path):
    folder = str(tiny.cross_encoder(tmp_path))
    raw = CrossEncoder(folder).score("query", ["cat", "green"])
    squashed = [1 / (1 + math.exp(-score)) for score in raw]
    assert CrossEncoder(folder, activation="sigmoid").score("query", ["cat", "green"]) == pytest.approx(squashed)
    assert CrossEncoder(folder, activation="model").score("query", ["cat", "green"]) == raw
    with pytest.raises(InvalidInput, match="choose one of raw, sigmoid, model"):
        CrossEncoder(folder, activation="softmax")


def test_dot_product_models_keep_their_lengths(tmp_path):
    folder = tiny.encoder(tmp_path)
    (folder / "modules.json").write_text("[]")
    (folder / "config_sentence_transformers.json").write_text('{"similarity_fn_name": "dot"}')
    vectors = OnnxEncoder(read_encoder(folder, "tiny"), precision="exact").encode_passages(["cat dog"])
    assert vectors[0] == pytest.approx(tiny.table()[[2, 6, 7, 3]].mean(0), abs=1e-6)


def test_a_query_beyond_the_window_is_noticed(tmp_path):
    encoder = OnnxEncoder(read_encoder(tiny.encoder(tmp_path), "tiny"))
    assert encoder.cuts_query("cat " * 20)
    assert not encoder.cuts_query("cat")


def test_one_string_in_place_of_a_list_is_refused(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)))
    with pytest.raises(InvalidInput, match=r"one string was given where a list of texts is meant.*\['cats sleep'\]"):
        model.score("query", "cats sleep")


def test_what_is_no_string_is_named(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)))
    with pytest.raises(InvalidInput, match="text 1 is of type NoneType: give strings"):
        model.score("query", ["cats", None])


def test_a_window_too_small_for_any_query_is_to_be_widened(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)), max_length=16)
    with pytest.raises(InvalidInput, match="Widen it"):
        model.score("query", ["cats"])


GIVEN = {
    "a generator": lambda texts: (text for text in texts),
    "a map": lambda texts: map(str, texts),
    "the values of a dict": lambda texts: dict(enumerate(texts)).values(),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_any_iterable_of_texts_is_read_whole(tmp_path, given):
    texts = ["cat", "the dog sat"]
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path / "c")), precision="exact")
    assert model.score("query", given(texts)) == model.score("query", texts)
    assert model.score_and_report("query", given(texts))[1] == [False, False]
    assert len(model.pairs("query", given(texts))[0]) == 2
    staged = CrossEncoder(str(tiny.staged(tmp_path / "s", stages=2)), precision="exact")
    assert len(ProgressiveReranker(staged, DropRule((0.5,), 1)).score("query", given(texts))) == 2
    encoder = OnnxEncoder(read_encoder(tiny.encoder(tmp_path / "e"), "tiny"), precision="exact")
    for encode in (encoder.encode_queries, encoder.encode_passages, HashedEncoder(8).encode_queries):
        np.testing.assert_array_equal(encode(given(texts)), encode(texts))
    assert encoder.tokens_of(given(texts)) == encoder.tokens_of(texts)


@pytest.mark.parametrize(
    ("texts", "message"), [("cats", "one string was given"), ({"text": "cats"}, "one dict"), (None, "one NoneType")]
)
def test_what_is_no_list_of_texts_is_refused_by_encoders_too(tmp_path, texts, message):
    encoder = OnnxEncoder(read_encoder(tiny.encoder(tmp_path), "tiny"), precision="exact")
    for encode in (encoder.encode_queries, encoder.encode_passages, HashedEncoder().encode_queries):
        with pytest.raises(InvalidInput, match=message):
            encode(texts)


def test_half_a_surrogate_pair_reads_as_the_replacement_character(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path / "c")), precision="exact")
    assert model.score("red \ud800", ["cat \udfff"]) == model.score("red \ufffd", ["cat \ufffd"])
    assert model.count_tokens("\ud800") == 1
    encoder = OnnxEncoder(read_encoder(tiny.encoder(tmp_path / "e"), "tiny"), precision="exact")
    np.testing.assert_array_equal(encoder.encode_queries(["cat \ud800"]), encoder.encode_queries(["cat \ufffd"]))
    assert not encoder.cuts_query("cat \ud800")


def test_a_query_that_is_no_string_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="the query is of type NoneType: give a string"):
        CrossEncoder(str(tiny.cross_encoder(tmp_path))).score(None, ["cats"])


@pytest.mark.parametrize("precision", ["exact", "auto"])
def test_a_bi_encoder_is_no_cross_encoder(tmp_path, precision):
    states = str(tiny.encoder(tmp_path, pooling=None))
    for name, shape in ((states, "tokens x 8"), ("all-MiniLM-L6-v2", "384")):
        with pytest.raises(ModelError, match=f"is no cross-encoder with one label: its output for a pair is {shape} "):
            CrossEncoder(name, precision=precision)


@pytest.mark.parametrize("precision", ["exact", "auto"])
def test_two_labels_show_in_the_output_where_the_files_are_silent(tmp_path, precision):
    folder = tiny.cross_encoder(tmp_path)
    (folder / "config.json").write_text("{}")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["values"]),
        helper.make_node("ReduceMean", ["values"], ["logits"], axes=[1], keepdims=0),
    ]
    tiny.save(folder, nodes, {"table": tiny.table()[:, :2]}, "logits", "onnx/model.onnx")
    with pytest.raises(ModelError, match="its output for a pair is 2 numbers, not one"):
        CrossEncoder(str(folder), precision=precision)


def test_an_output_of_unknown_shape_is_checked_when_it_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(Session, "shape", ())
    folder = tiny.encoder(tmp_path, pooling=None, max_position_embeddings=64)
    model = CrossEncoder(str(folder), precision="exact")
    with pytest.raises(ModelError, match="its output for a pair is 5 x 8 numbers, not one"):
        model.score("cat", ["dog"])


@pytest.mark.parametrize("precision", ["exact", "auto"])
def test_a_cross_encoder_is_no_bi_encoder(tmp_path, precision):
    for spec in (encoder_spec(str(tiny.cross_encoder(tmp_path))), encoder_spec("shortlist-reranker-v1")):
        with pytest.raises(ModelError, match="is no bi-encoder: its output ends in 1 values, where its files promise"):
            OnnxEncoder(spec, precision=precision)
