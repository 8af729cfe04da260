"""Late interaction against a reference in plain loops, on a small ONNX file with a real tokenizer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx makes the small model")

import tiny
import tiny_late
from shortlist import registry
from shortlist.errors import InvalidInput, ModelError, ModelNotFound, QueryTooLong
from shortlist.models import late_interaction_spec, locate
from shortlist.models.late_interaction import DOWNLOADS
from shortlist.models.tensors import tensor
from shortlist.redaction import public_name
from shortlist.rerankers.late_interaction import LateInteraction, max_sim
from shortlist.types import Document
from standin_hub import standin_hub

QUERY = "red cat"
TEXTS = ["the red cat sat", "a dog runs , the cat sat .", "server file", "blue !"]


def load(folder):
    return LateInteraction(f"colbert:{folder}", precision="exact", device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_late.colbert(tmp_path_factory.mktemp("late") / "model")


def test_scores_are_those_of_the_paper(folder):
    scores = load(folder).score(QUERY, TEXTS)
    assert scores == pytest.approx([tiny_late.reference(QUERY, text) for text in TEXTS], rel=1e-5)
    assert scores.truncated == [False] * 4


def test_mask_tokens_are_read_by_attention_only_if_the_files_tell(tmp_path):
    attending = load(tiny_late.colbert(tmp_path / "a", attend_to_mask_tokens=True)).score(QUERY, TEXTS)
    assert attending == pytest.approx([tiny_late.reference(QUERY, text, attend=True) for text in TEXTS], rel=1e-5)
    assert attending[0] != pytest.approx(tiny_late.reference(QUERY, TEXTS[0]), rel=1e-3)


def test_a_projection_after_the_onnx_file(tmp_path):
    folder = tiny_late.pylate(tmp_path / "p")
    expected = [tiny_late.reference(QUERY, text, layer=tiny_late.projection()) for text in TEXTS]
    assert load(folder).score(QUERY, TEXTS) == pytest.approx(expected, rel=1e-5)
    root = tiny_late.colbert(tmp_path / "root", dim=tiny_late.DIMENSION)
    tiny_late.write_tensors(root / "model.safetensors", {"linear.weight": tiny_late.projection()})
    assert load(root).score(QUERY, TEXTS) == pytest.approx(expected, rel=1e-5)


def test_a_model_without_expansion_has_no_mask_tokens(tmp_path):
    folder = tiny_late.pylate(tmp_path / "p", do_query_expansion=False)
    expected = [tiny_late.reference(QUERY, text, length=0, layer=tiny_late.projection()) for text in TEXTS]
    assert load(folder).score(QUERY, TEXTS) == pytest.approx(expected, rel=1e-5)


def test_punctuation_of_passages_counts_if_the_files_tell(tmp_path):
    with_punctuation = load(tiny_late.colbert(tmp_path / "m", mask_punctuation=False)).score("!", ["blue !"])
    without = load(tiny_late.colbert(tmp_path / "w")).score("!", ["blue !"])
    assert with_punctuation[0] > without[0]


def test_long_passages_are_cut_and_marked_and_long_queries_are_errors(folder):
    model = load(folder)
    long = "cat " * 9
    scores = model.score(QUERY, [long, long + "dog", "cat " * 8 + "dog"])
    assert scores.truncated == [False, True, False]
    assert scores[0] == scores[1] != scores[2]
    assert len(model.score("cat " * 13, ["dog"])) == 1, "a query may be longer than the length that it is filled to"
    with pytest.raises(QueryTooLong, match=r"longer than the window of .*, 16 tokens"):
        model.score("cat " * 14, ["dog"])


def test_a_score_does_not_depend_on_the_other_texts(folder):
    model = load(folder)
    alone = [model.score(QUERY, [text])[0] for text in TEXTS]
    assert model.score(QUERY, TEXTS * 50) == pytest.approx(alone * 50, rel=1e-5)


def test_no_texts_and_an_empty_query(folder):
    assert load(folder).score(QUERY, []) == []
    with pytest.raises(InvalidInput, match="the query is empty"):
        load(folder).score(" ", TEXTS)


def test_its_info_and_hash(folder, tmp_path):
    model = load(folder)
    assert (model.info.name, model.info.pointwise, model.info.unit) == (f"colbert:{folder}", True, "score")
    assert model.info.window == 8 + 12
    other = tiny_late.pylate(tmp_path / "p")
    before = load(other).weights_hash()
    assert len(before) == 16
    layer = {"linear.weight": tiny_late.projection() * 2}
    tiny_late.write_tensors(other / "1_Dense" / "model.safetensors", layer)
    assert load(other).weights_hash() != before
    assert public_name("colbert:/secret/models/late") == "colbert:late"


def test_the_registry_loads_and_checks_it(folder):
    name = f"colbert:{folder}"
    registry.check_reranker(name)
    assert isinstance(registry.load_reranker(name, device="cpu", threads=1, as_worker=True), LateInteraction)
    with pytest.raises(ModelError, match="is a late-interaction model: name it colbert:"):
        registry.load_reranker(str(folder))
    with pytest.raises(ModelNotFound):
        registry.check_reranker("colbert:./nowhere")


def test_passages_fit_its_window(tmp_path):
    folder = tiny_late.colbert(tmp_path / "m", doc_maxlen=100)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 128}))
    splitter = registry.make_splitter("hashed-16", f"colbert:{folder}")
    lengths = [len(chunk.text.split()) for chunk in splitter.split(Document("d", "cat " * 300))]
    assert max(lengths) <= 100 - 4
    assert len(lengths) >= 4


def test_many_threads_share_one(folder):
    model = load(folder)
    queries = [f"{word} cat" for word in ("red", "blue", "the", "a")] * 4
    with ThreadPoolExecutor(4) as pool:
        scores = list(pool.map(lambda query: model.score(query, TEXTS), queries))
    assert scores == [model.score(query, TEXTS) for query in queries]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query_token_id": "[nothing]"}, r"the marker of queries '\[nothing\]' is not in its tokenizer.json"),
        ({"similarity": "l2"}, "has the similarity 'l2'; supported is cosine"),
        ({"dim": 5}, "the ONNX file returns 8 numbers for a token, its files promise 5"),
    ],
)
def test_files_that_do_not_fit(tmp_path, change, message):
    with pytest.raises(ModelError, match=message):
        load(tiny_late.colbert(tmp_path / "m", **change)).score(QUERY, TEXTS)


def test_other_models_are_named(tmp_path):
    with pytest.raises(ModelError, match="is not a late-interaction model"):
        load(tiny.cross_encoder(tmp_path / "cross"))
    folder = tiny_late.colbert(tmp_path / "no-onnx")
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"no ONNX file\. A late-interaction model runs from an ONNX file"):
        load(folder)
    dense = tiny_late.pylate(tmp_path / "relu")
    (dense / "1_Dense" / "config.json").write_text(json.dumps({"activation_function": "torch.nn.ReLU"}))
    with pytest.raises(ModelError, match=r"has the activation torch\.nn\.ReLU; supported is Identity"):
        load(dense)
    vectors = tiny.encoder(tmp_path / "pooled")
    (vectors / "artifact.metadata").write_text(json.dumps(tiny_late.METADATA))
    with pytest.raises(ModelError, match="the marker of queries"):
        load(vectors)


def test_settings_of_each_kind_of_files(tmp_path):
    spec = late_interaction_spec(str(tiny_late.colbert(tmp_path / "c")))
    assert (spec.query_length, spec.passage_length, spec.max_length, spec.dimension) == (8, 12, 16, 8)
    assert (spec.query_marker, spec.passage_marker, spec.mask) == ("[unused0]", "[unused1]", "[MASK]")
    folder = tiny_late.pylate(tmp_path / "p", query_prefix="[Q] ", document_prefix="[D] ")
    (folder / "special_tokens_map.json").write_text(json.dumps({"mask_token": {"content": "<mask>"}}))
    spec = late_interaction_spec(str(folder))
    assert (spec.query_marker, spec.mask, spec.skipped, spec.dimension) == ("[Q] ", "<mask>", (",", ".", "!"), 4)


def test_a_download_has_the_projection_and_no_other_weights(tmp_path, monkeypatch):
    from huggingface_hub import constants

    folder = tiny_late.pylate(tmp_path / "source")
    (folder / "model.safetensors").write_bytes(b"weights that are not needed")
    (folder / "onnx" / "model_int8.onnx").write_bytes(b"a file that is not needed")
    (folder / "artifact.metadata").write_text(json.dumps(tiny_late.METADATA))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with standin_hub({"acme/late": folder}) as hub:
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        name, _ = locate("acme/late", more=DOWNLOADS)
        assert name == "acme/late"
        files = {"onnx/model.onnx", "1_Dense/config.json", "1_Dense/model.safetensors", "artifact.metadata"}
        files |= {"config.json", "tokenizer.json", "modules.json", "sentence_bert_config.json"}
        assert hub.downloaded() == {*files, "config_sentence_transformers.json"}
        expected = [tiny_late.reference(QUERY, text, layer=tiny_late.projection()) for text in TEXTS]
        scores = registry.load_reranker("colbert:acme/late", device="cpu", precision="exact").score(QUERY, TEXTS)
        assert scores == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("kind", "places"), [("F32", 7), ("F16", 3), ("BF16", 2)])
def test_tensors_of_each_type(tmp_path, kind, places):
    values = np.arange(6, dtype=np.float32).reshape(2, 3) / 7
    file = tiny_late.write_tensors(tmp_path / "w", {"other": values * 2, "linear.weight": values}, kind)
    read = tensor(file, "linear.weight")
    np.testing.assert_allclose(read, values, atol=10**-places)
    assert tensor(file, "missing") is None


def test_files_without_usable_tensors(tmp_path):
    file = tmp_path / "w"
    for content in (b"", b"\x08", b"\x02\0\0\0\0\0\0\0[]", b"\xff" * 20, b"\x04\0\0\0\0\0\0\0{{{{"):
        file.write_bytes(content)
        with pytest.raises(ModelError, match="is not a safetensors file"):
            tensor(file, "x")
    tiny_late.write_tensors(file, {"x": np.zeros(3)}, "I64")
    with pytest.raises(ModelError, match="x has the type I64"):
        tensor(file, "x")
    tiny_late.write_tensors(file, {"x": np.zeros(3)})
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelError, match="does not have all numbers of x"):
        tensor(file, "x")


def test_max_sim_of_a_passage_without_tokens():
    assert max_sim(np.ones((2, 3), dtype=np.float32), np.zeros((0, 3), dtype=np.float32)) == 0.0
