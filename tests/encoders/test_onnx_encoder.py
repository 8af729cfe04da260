"""A bi-encoder from an ONNX file: pooling and prompts by hand, and the packaged model."""

import numpy as np
import pytest

import tiny
from shortlist.encoders.onnx import OnnxEncoder
from shortlist.errors import ModelError
from shortlist.models import encoder_spec
from shortlist.models.folder import read_encoder


def tiny_encoder(folder, name="tiny", **options):
    return OnnxEncoder(read_encoder(tiny.encoder(folder, **options), name), precision="exact", device="cpu")


@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token", "max_tokens", "lasttoken"])
def test_pooling_by_hand(tmp_path, pooling):
    encoder = tiny_encoder(tmp_path, pooling=pooling)
    states = tiny.table()[[2, 6, 7, 3]]
    vector = {
        "mean_tokens": states.mean(0),
        "cls_token": states[0],
        "max_tokens": states.max(0),
        "lasttoken": states[-1],
    }[pooling]
    vectors = encoder.encode_passages(["cat dog", "a the cat dog sat runs"])
    assert vectors[0] == pytest.approx(vector / np.linalg.norm(vector), abs=1e-6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-6)


def test_prompts_are_put_in_front(tmp_path):
    plain, prompted = tiny_encoder(tmp_path), tiny_encoder(tmp_path, "e5-small")
    assert prompted.encode_queries(["cat"]) == pytest.approx(plain.encode_queries(["query: cat"]), abs=1e-6)
    assert prompted.encode_passages(["cat"]) == pytest.approx(plain.encode_queries(["passage: cat"]), abs=1e-6)


def test_many_texts_run_128_at_a_time(tmp_path, monkeypatch):
    encoder = tiny_encoder(tmp_path)
    texts = [" ".join(["cat", "dog", "tree"][: 1 + row % 3]) for row in range(300)]
    sizes = []
    run = encoder._session.run
    monkeypatch.setattr(encoder._session, "run", lambda inputs, pad: sizes.append(len(inputs)) or run(inputs, pad))
    vectors = encoder.encode_passages(texts)
    assert sizes == [128, 128, 44]
    singles = {text: encoder.encode_passages([text])[0] for text in set(texts)}
    np.testing.assert_allclose(vectors, [singles[text] for text in texts], atol=1e-6)


def test_long_texts_are_cut_and_counted(tmp_path):
    encoder = tiny_encoder(tmp_path)
    vectors = encoder.encode_passages(["cat " * 50, "cat"])
    assert vectors.shape == (2, tiny.WIDTH)
    assert encoder.truncated == 1
    assert encoder.window == 16
    assert encoder.token_counts(["cat " * 20, "cat"], query=True) == ([16, 3], [True, False])
    assert encoder.token_counts([]) == ([], [])


def test_the_prompt_counts_in_the_window(tmp_path):
    encoder = tiny_encoder(tmp_path, "e5-small")
    assert encoder.token_counts(["cat"], query=True)[0] == [5]  # "query", ":" and the text between two special tokens


def test_the_packaged_encoder_keeps_meaning():
    encoder = OnnxEncoder(encoder_spec("all-MiniLM-L6-v2"), precision="exact", device="cpu")
    cat, kitten, tax = encoder.encode_passages(["a cat", "a kitten", "income tax law"])
    assert cat @ kitten > 0.7 > 0.3 > cat @ tax
    # The numbers are those of sentence-transformers under torch, for the original fp32 weights. The packaged weights
    # are in fp16, whose precision gives the tolerance.
    assert encoder.encode_queries(["a cat"])[0][:4] == pytest.approx(
        [0.06173372, 0.04145974, 0.00876336, 0.06251235], abs=1e-4
    )


def test_models_for_dot_products_keep_their_lengths(tmp_path):
    folder = tiny.encoder(tmp_path)
    (folder / "modules.json").write_text("[]")
    (folder / "config_sentence_transformers.json").write_text('{"similarity_fn_name": "dot"}')
    vectors = OnnxEncoder(read_encoder(folder, "tiny"), precision="exact", device="cpu").encode_passages(["cat dog"])
    assert vectors[0] == pytest.approx(tiny.table()[[2, 6, 7, 3]].mean(0), abs=1e-6)


@pytest.mark.parametrize("precision", ["exact", "auto"])
def test_a_cross_encoder_is_refused(tmp_path, precision):
    for spec in (encoder_spec(str(tiny.cross_encoder(tmp_path))), encoder_spec("shortlist-reranker-v1")):
        with pytest.raises(ModelError, match="is not a bi-encoder: its output ends in 1 values, but its files promise"):
            OnnxEncoder(spec, precision=precision)
