"""A cross-encoder in one file, by hand, and the packaged model."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from onnx import helper

import tiny
from shortlist import CrossEncoder
from shortlist.errors import BadScores, InvalidInput, ModelError, QueryTooLong
from shortlist.inference.session import Session
from spread import apart

QUERY = "which store runs without a server"
TEXTS = [
    "A vector store that runs inside your program.",
    "Start the server first, then connect a client to it.",
    "",
    "Bread is baked at two hundred degrees. " * 6,
    "Cats sleep most of the day.",
]


def by_hand(query, text, window=64):
    words = {word: i for i, word in enumerate(tiny.WORDS)}
    query_ids = [words.get(w, 1) for w in query.split()]
    text_ids = [words.get(w, 1) for w in text.split()][: window - len(query_ids) - 3]
    ids = [2, *query_ids, 3, *text_ids, 3]
    return sum(ids) / len(ids)


@pytest.fixture
def model(tmp_path):
    return CrossEncoder(str(tiny.cross_encoder(tmp_path)), precision="exact", device="cpu")


def test_scores_in_the_order_given(model):
    texts = ["cat", "green " * 9, "the dog sat", ""]
    scores = model.score("query", texts)
    assert scores == pytest.approx([by_hand("query", text) for text in texts], abs=1e-5)
    assert scores.truncated == [False] * 4
    assert model.score("query", []) == []


def test_its_info(model, tmp_path):
    assert (model.info.name, model.info.window) == (tmp_path.resolve().as_posix(), 64)
    assert (model.info.pointwise, model.info.unit, model.info.remote) == (True, "logit", False)


def test_rank_returns_the_documents_themselves_best_first(model):
    documents = [{"text": "cat"}, {"text": "green green green"}, {"text": "the dog sat"}]
    ranked = model.rank("query", documents, top_k=2)
    assert [place.index for place in ranked] == [1, 2]
    assert ranked[0].document is documents[1]


@pytest.mark.parametrize("query", ["", "  \n"])
def test_an_empty_query_is_refused(model, query):
    with pytest.raises(InvalidInput, match="query is empty"):
        model.score(query, ["cat"])


def test_truncation_cuts_the_passage_and_is_reported(model):
    long = "green " * 300
    scores = model.score("red cat", ["cat", long])
    assert scores.truncated == [False, True]
    assert scores[1] == pytest.approx(by_hand("red cat", long), abs=1e-5)


def test_a_query_that_leaves_no_room_is_refused_with_the_longest_possible_one(model):
    assert len(model.score("cat " * 29, ["dog"])) == 1
    with pytest.raises(QueryTooLong, match=r"query has 30 tokens and the reranker's window is 64.*Shorten.*29 tokens"):
        model.score("cat " * 30, ["dog"])


@pytest.mark.parametrize("fault", [math.nan, math.inf])
def test_a_model_that_returns_no_number_raises(tmp_path, fault):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path, fault=fault)), precision="exact", device="cpu")
    with pytest.raises(BadScores, match="for text 1 of 1: 'cat'"):
        model.score("query", ["cat"])


def test_more_than_one_label_is_refused(tmp_path):
    with pytest.raises(ModelError, match="has 3 labels"):
        CrossEncoder(str(tiny.cross_encoder(tmp_path, labels=3)))


@pytest.mark.parametrize("precision", ["exact", "auto"])
def test_a_file_that_is_not_onnx_raises(tmp_path, capfd, precision):
    folder = tiny.cross_encoder(tmp_path)
    (folder / "onnx" / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(ModelError, match="cannot load"):
        CrossEncoder(str(folder), precision=precision)
    assert capfd.readouterr().out == ""  # the output may be JSON for a program


@pytest.fixture(scope="module", params=["exact", "auto"])
def packaged(request):
    return CrossEncoder(precision=request.param, device="cpu")


def test_a_score_hardly_depends_on_the_other_texts_and_their_order(packaged):
    scores = packaged.score(QUERY, TEXTS)
    assert apart([packaged.score(QUERY, [text])[0] for text in TEXTS], scores) < 0.03
    assert apart(packaged.score(QUERY, TEXTS[::-1])[::-1], scores) < 0.03


def test_every_precision_agrees_with_fp32(packaged):
    exact = CrossEncoder(precision="exact", device="cpu").score(QUERY, TEXTS)
    assert apart(packaged.score(QUERY, TEXTS), exact) < 0.05


def test_threads_share_a_model(packaged):
    reference = packaged.score(QUERY, TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: packaged.score(QUERY, TEXTS), range(12)):
            assert apart(scores, reference) < 0.03


def test_scores_are_raw_without_an_activation(tmp_path):
    folder = str(tiny.cross_encoder(tmp_path))
    raw, sigmoid, of_the_model = (
        CrossEncoder(folder, precision="exact", device="cpu", activation=name) for name in ("raw", "sigmoid", "model")
    )
    scores = raw.score("query", ["cat", "green"])
    assert sigmoid.score("query", ["cat", "green"]) == pytest.approx([1 / (1 + math.exp(-score)) for score in scores])
    assert of_the_model.score("query", ["cat", "green"]) == scores
    assert (raw.info.unit, sigmoid.info.unit) == ("logit", "score")
    with pytest.raises(InvalidInput, match="choose one of raw, sigmoid, model"):
        CrossEncoder(folder, activation="softmax")


def test_one_string_in_place_of_a_list_is_refused(model):
    with pytest.raises(InvalidInput, match=r"a string.*\['cats sleep'\]"):
        model.score("query", "cats sleep")


def test_what_is_not_a_string_is_named(model):
    with pytest.raises(InvalidInput, match="text 2 of 2 is of type NoneType: give strings"):
        model.score("query", ["cats", None])
    with pytest.raises(InvalidInput, match="the query is of type NoneType: give a string"):
        model.score(None, ["cats"])


def test_a_window_too_small_for_any_query_must_be_widened(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)), max_length=16)
    assert model.info.window == 16
    with pytest.raises(InvalidInput, match="Widen the window"):
        model.score("query", ["cats"])


def test_half_a_surrogate_pair_reads_as_the_replacement_character(model):
    assert model.score("red \ud800", ["cat \udfff"]) == model.score("red \ufffd", ["cat \ufffd"])
    assert model.count_tokens("\ud800") == 1


@pytest.mark.parametrize("precision", ["exact", "auto"])
def test_a_bi_encoder_is_refused(tmp_path, precision):
    states = str(tiny.encoder(tmp_path, pooling=None))
    for name, shape in ((states, "tokens x 8"), ("all-MiniLM-L6-v2", "384")):
        with pytest.raises(ModelError, match=f"not a cross-encoder with one label: its output for a pair is {shape} "):
            CrossEncoder(name, precision=precision)


@pytest.mark.parametrize("precision", ["exact", "auto"])
def test_two_labels_that_only_the_output_shows_are_refused(tmp_path, precision):
    folder = tiny.cross_encoder(tmp_path)
    (folder / "config.json").write_text("{}")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["values"]),
        helper.make_node("ReduceMean", ["values"], ["logits"], axes=[1], keepdims=0),
    ]
    tiny.save(folder, nodes, {"table": tiny.table()[:, :2]}, "logits", "onnx/model.onnx")
    with pytest.raises(ModelError, match="its output for a pair is 2 numbers, not one"):
        CrossEncoder(str(folder), precision=precision)


def test_an_output_of_unknown_shape_is_checked_with_the_first_scores(tmp_path, monkeypatch):
    monkeypatch.setattr(Session, "shape", ())
    folder = tiny.encoder(tmp_path, pooling=None, max_position_embeddings=64)
    model = CrossEncoder(str(folder), precision="exact", device="cpu")
    with pytest.raises(ModelError, match="its output for a pair is 5 x 8 numbers, not one"):
        model.score("cat", ["dog"])
