"""A cross-encoder with stored states of its passages, on each runtime."""

import pytest

import tiny
from shortlist import CrossEncoder
from shortlist.errors import InvalidInput, QueryTooLong
from shortlist.inference import stage_engines
from shortlist.rerankers import cross_encoder
from shortlist.rerankers.progressive import DropRule, ProgressiveReranker
from shortlist.server.batching.worker import PairWorker
from staged_models import RUNTIMES, TEXTS

CLOSE = 0.25
"""The tiny codec moves a mean state by less; scores of the last stage are a few units apart."""
LONG = "cat " * 70


@pytest.fixture(params=RUNTIMES)
def runtime(request, monkeypatch):
    monkeypatch.setattr(cross_encoder, "choose", lambda *_: request.param)
    return request.param


@pytest.fixture
def model(runtime, tmp_path):
    return CrossEncoder(str(tiny.staged(tmp_path, 2, window=128, apart=True)))


class Store:
    """Stored states by text."""

    def __init__(self, model, texts):
        self.states = dict(zip(texts, model.states_of(texts), strict=True))
        self.lookups = []

    def __call__(self, texts):
        self.lookups.append(list(texts))
        return [self.states.get(text) for text in texts]


def test_the_bytes_of_a_text_depend_on_the_text_alone(model):
    together = model.states_of(TEXTS)
    assert [len(coded) for coded in together] == [3 * (len(text.split()) + 1) for text in TEXTS]
    assert together == [model.states_of([text])[0] for text in TEXTS]
    assert model.states_of([]) == []


def test_scores_from_states_are_close_to_those_from_text(model):
    with_states = model.with_states(Store(model, TEXTS))
    expected = model.score("query", TEXTS)
    scores = with_states.score("query", TEXTS)
    assert scores == pytest.approx(expected, abs=CLOSE)
    assert scores != expected
    assert scores.truncated == [False] * len(TEXTS)
    assert with_states.score("query", []) == []
    assert model.score("query", TEXTS) == expected


def test_texts_with_and_without_states_mix(model):
    store = Store(model, TEXTS[::2])
    expected, scores = model.score("query", TEXTS), model.with_states(store).score("query", TEXTS)
    assert scores[1::2] == pytest.approx(expected[1::2], abs=1e-6)
    assert scores[::2] == pytest.approx(model.with_states(store).score("query", TEXTS[::2]), abs=1e-6)
    assert store.lookups[0] == TEXTS


def test_pairs_of_several_queries_are_scored_together(model):
    with_states = model.with_states(Store(model, TEXTS))
    queries = ["query", "the red server runs", "a cat"]
    pairs = [with_states.pairs(query, TEXTS)[0] for query in queries]
    mixed = [pair for group in zip(*pairs, strict=True) for pair in group]
    scores = with_states.score_pairs(mixed)
    for place, query in enumerate(queries):
        assert scores[place :: len(queries)] == pytest.approx(list(with_states.score(query, TEXTS)), abs=1e-5)


def test_a_large_pool(model):
    texts = TEXTS * 60
    with_states = model.with_states(Store(model, TEXTS))
    assert with_states.score("query", texts) == pytest.approx(list(with_states.score("query", TEXTS)) * 60, abs=1e-5)


def test_the_lengths_of_pairs_count_the_stored_tokens(model):
    with_states = model.with_states(Store(model, TEXTS))
    lengths = [pair.length for pair in model.pairs("query", TEXTS)[0]]
    pairs, cut = with_states.pairs("query", TEXTS)
    assert [pair.length for pair in pairs] == lengths
    assert all(pair.stored is not None for pair in pairs)
    assert cut == [False] * len(TEXTS)
    assert PairWorker(with_states).batches(lengths) == PairWorker(model).batches(lengths)


def test_a_text_that_leaves_too_little_room_has_no_states(model):
    fitting = "cat " * 63
    assert len(model.states_of([fitting])[0]) == 3 * 64
    assert model.states_of([LONG]) == [b""]
    with_states = model.with_states(Store(model, [LONG]))
    assert with_states.score("query", [LONG]) == model.score("query", [LONG])


def test_a_text_that_is_cut_is_scored_from_the_text(model):
    fitting = "cat dog " * 30
    with_states = model.with_states(Store(model, [fitting]))
    query = "red " * 90
    expected = model.score(query, [fitting])
    assert expected.truncated == [True]
    scores = with_states.score(query, [fitting])
    assert scores == expected
    assert scores.truncated == [True]
    pairs, cut = with_states.pairs("query", [fitting], max_tokens=59)
    assert cut == [True]
    assert pairs == model.pairs("query", [fitting], max_tokens=59)[0]
    assert with_states.pairs("query", [fitting], max_tokens=60)[0][0].stored is not None
    with pytest.raises(QueryTooLong):
        with_states.score("red " * 120, [fitting])


def test_bytes_of_another_size_are_not_used(model):
    with_states = model.with_states(lambda texts: [b"1234" for _ in texts])
    assert with_states.score("query", TEXTS) == model.score("query", TEXTS)


def test_bad_input_is_refused_as_without_states(model):
    with_states = model.with_states(Store(model, TEXTS))
    with pytest.raises(InvalidInput, match="the query is empty"):
        with_states.score(" ", TEXTS)
    with pytest.raises(InvalidInput, match="text 2 of 2 is of type int"):
        with_states.score("query", [TEXTS[0], 3])
    with pytest.raises(InvalidInput, match="text 2 of 2 is of type int"):
        with_states.states_of([TEXTS[0], 3])


def test_a_model_in_three_stages(runtime, tmp_path):
    model = CrossEncoder(str(tiny.staged(tmp_path, 3, window=128, apart=True)))
    with_states = model.with_states(Store(model, TEXTS))
    assert with_states.score("query", TEXTS) == pytest.approx(model.score("query", TEXTS), abs=2 * CLOSE)


def early_exits(model, texts=TEXTS):
    """The logits after each stage, if all texts continue."""
    scoring, cut = model.begin("query", texts)
    assert cut == [False] * len(texts)
    logits = [scoring.logits.tolist()]
    while not scoring.done:
        scoring.advance(range(len(texts)))
        logits.append(scoring.logits.tolist())
    return logits


@pytest.mark.parametrize("stages", [2, 3])
@pytest.mark.parametrize("known", [TEXTS, TEXTS[::2], []])
def test_early_exits_from_states(runtime, tmp_path, stages, known):
    model = CrossEncoder(str(tiny.staged(tmp_path, stages, window=128, apart=True)))
    with_states = model.with_states(Store(model, known))
    expected, logits = early_exits(model), early_exits(with_states)
    for number in range(stages):
        assert logits[number] == pytest.approx(expected[number], abs=CLOSE * 2 ** (number - 1))
        if known:
            assert logits[number] != expected[number]
    assert logits[-1] == pytest.approx(list(with_states.score("query", TEXTS)), abs=1e-5)


def test_a_part_continues_after_an_exit_from_states(model):
    with_states = model.with_states(Store(model, TEXTS[::2]))
    scoring, _ = with_states.begin("query", TEXTS)
    early = scoring.logits.copy()
    scoring.advance([3, 2])
    scores = with_states.score("query", TEXTS)
    for place in range(len(TEXTS)):
        expected = scores[place] if place in {2, 3} else early[place]
        assert scoring.logits[place] == pytest.approx(expected, abs=1e-5)


def test_without_the_file_of_the_first_exit_the_text_is_used(runtime, tmp_path):
    model = CrossEncoder(str(tiny.staged(tmp_path, 2, window=128, apart=True, exit_file=False)))
    with_states = model.with_states(Store(model, TEXTS))
    assert early_exits(with_states) == early_exits(model)


def test_a_progressive_reranker_uses_the_states(model):
    progressive = ProgressiveReranker(model, DropRule((0.5,), 1))
    store = Store(progressive, TEXTS)
    with_states = progressive.with_states(store)
    assert progressive.keeps_states
    assert with_states.states_hash() == progressive.states_hash() == model.states_hash()
    assert with_states.info == progressive.info
    ranks = [place.index for place in with_states.rank("query", TEXTS)]
    assert store.lookups == [TEXTS]
    assert ranks == [place.index for place in progressive.rank("query", TEXTS)]


def test_only_the_forms_in_use_are_loaded(runtime, tmp_path, monkeypatch):
    loads, load = [], stage_engines.load

    def recorded(files, chosen, threads, codec):
        loads.append(("+".join(file.stem for file in files), codec is not None))
        return load(files, chosen, threads, codec)

    monkeypatch.setattr(stage_engines, "load", recorded)
    model = CrossEncoder(str(tiny.staged(tmp_path, 2, window=128, apart=True)), stored_states=True)
    stored = [("stage-1", False), ("stage-2", True)]
    with_states = model.with_states(Store(model, TEXTS))
    with_states.score("query", TEXTS)
    assert loads == stored
    with_states.begin("query", TEXTS)[0].advance(range(len(TEXTS)))
    assert loads == [*stored, ("exit-1", True)]
    model.score("query", TEXTS)
    text = ("stage-1+stage-2", False) if runtime.engine == "openvino" else ("stage-2", False)
    assert loads == [*stored, ("exit-1", True), text]


def test_another_fingerprint(model):
    text = model.fingerprint
    with_states = model.with_states(Store(model, TEXTS))
    assert with_states.fingerprint != text == model.fingerprint


def test_a_model_whose_layers_see_both_sides_keeps_no_states(runtime, tmp_path):
    model = CrossEncoder(str(tiny.staged(tmp_path, window=128)))
    assert not model.keeps_states
    assert model.states_hash() == ""
    with pytest.raises(InvalidInput, match="cannot store states"):
        model.states_of(TEXTS)
    with pytest.raises(InvalidInput, match="cannot store states"):
        model.with_states(lambda texts: [None for _ in texts])


def test_the_hash_changes_with_the_codec(model, tmp_path):
    assert model.keeps_states
    assert model.states_hash() == model.states_hash() != ""
    other = tiny.staged(tmp_path / "other", 2, window=128, apart=True)
    assert CrossEncoder(str(other)).states_hash() == model.states_hash()
    (other / "states.npz").write_bytes((other / "states.npz").read_bytes() + b" ")
    assert CrossEncoder(str(other)).states_hash() != model.states_hash()
